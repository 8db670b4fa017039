/** What the panel shows where there is no list, or not the newest one: loading, empty, no match, offline, error. */
import { Component } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { Copy } from './words';

/** Grey rows in the final size while the first answer is on its way. */
export function Skeleton({ rows = 6 }: { rows?: number }): ReactElement {
  return (
    <div className="jp-nba-waiting" role="status" aria-label="Loading artifacts">
      {Array.from({ length: rows }, (_, i) => (
        <div className="jp-nba-row jp-mod-skeleton" key={i}>
          <span className="jp-nba-icon" />
          <div className="jp-nba-row-main">
            <div className="jp-nba-ghost" style={{ width: `${64 - ((i * 17) % 30)}%` }} />
            <div className="jp-nba-ghost" style={{ width: `${88 - ((i * 23) % 40)}%` }} />
          </div>
        </div>
      ))}
    </div>
  );
}

/** Nothing kept yet: how to begin. */
export function Empty(): ReactElement {
  return (
    <Message title="Nothing kept yet">
      <p>
        Try <code>%%artifact</code> in a cell: what the cell makes is kept here, version by version.
      </p>
      <Lines label="In one cell" text="%load_ext nb_artifacts" />
      <Lines label="At the top of another" text="%%artifact --key my-first" />
    </Message>
  );
}

function Lines({ label, text }: { label: string; text: string }): ReactElement {
  return (
    <div className="jp-nba-lines">
      <span>{label}</span>
      <code>{text}</code>
      <Copy text={text} label="Copy" />
    </div>
  );
}

/** The filter leaves nothing. */
export function NoMatch({ clear }: { clear: () => void }): ReactElement {
  return (
    <Message title="No artifact matches">
      <p>Every word must be in the key, the description or the type.</p>
      <button type="button" className="jp-nba-button" onClick={clear}>
        Show all
      </button>
    </Message>
  );
}

/** The list could not be read at all. */
export function Failure(props: { title?: string; why: string; retry: () => void }): ReactElement {
  return (
    <Message title={props.title ?? 'The artifacts cannot be read'} role="alert">
      <p>{props.why}</p>
      <button type="button" className="jp-nba-button" onClick={props.retry}>
        Retry
      </button>
    </Message>
  );
}

/** A line above a list that may be old. */
export function Stale(props: { text: string; exact?: string; retry: () => void }): ReactElement {
  return (
    <div className="jp-nba-stale" role="status">
      <span title={props.exact}>{props.text}</span>
      <button type="button" className="jp-nba-button" onClick={props.retry}>
        Retry
      </button>
    </div>
  );
}

/** A quiet message in place of content. */
export function Message(props: {
  title: string;
  role?: string;
  children?: ReactNode;
}): ReactElement {
  return (
    <div className="jp-nba-message" role={props.role}>
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}

/** Keeps the rest of the panel alive where one part of it cannot be drawn. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    const retry = () => this.setState({ error: null });
    return error ? (
      <Failure title="This could not be drawn" why={error.message} retry={retry} />
    ) : (
      this.props.children
    );
  }
}
