/** The source of an artifact for a component of React. */
import { useEffect, useReducer, useState } from 'react';
import type { Client } from '../client';
import { failure } from '../format';
import { openSource } from '../source';
import type { Source, Tools } from '../source';

/** Null while it is on its way, a sentence if it did not come. */
export type Sourced = Source | string | null;

/**
 * The source of an artifact for as long as the component lives, drawn again when the artifact changes; and what asks for
 * it anew. It does so by itself once a server that was away answers.
 */
export function useSource(client: Client, id: string, tools: Tools): [Sourced, retry: () => void] {
  const [state, setState] = useState<{ source: Sourced; seen: number } | null>(null);
  const [tries, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const ended = new AbortController();
    openSource(client, id, tools, ended.signal).then(
      source => {
        if (!ended.signal.aborted) {
          setState({ source, seen: 0 });
          source.subscribe(
            () => setState(now => now && { source, seen: now.seen + 1 }),
            ended.signal
          );
        }
      },
      (error: unknown) => {
        if (!ended.signal.aborted) {
          setState({ source: failure(error), seen: 0 });
          const back = { reset: again, online: (online: boolean) => online && again() };
          client.changes.subscribe(back, ended.signal);
        }
      }
    );
    return () => ended.abort();
  }, [client, id, tools, tries]);
  return [state?.source ?? null, again];
}
