/** Small parts that several components of the panel share. */
import { useState } from 'react';
import type { ReactElement } from 'react';
import { ago } from '../format';
import { iconOf } from '../icons';
import type { WireRecord } from '../wire';

/** The icon of a type; a plain one for types that this release does not know. */
export function TypeIcon({ type }: { type: string | null }): ReactElement {
  const icon = iconOf(type);
  return <icon.react tag="span" className="jp-nba-icon" aria-hidden="true" />;
}

/**
 * "v4", "pending" where the store that counts has not answered yet, nothing without a key and in lists of a server
 * that numbers nothing (`seq` 0).
 */
export function versionWord(record: WireRecord): string {
  if (record.key === null) {
    return '';
  }
  return record.version !== null ? `v${record.version}` : record.seq > 0 ? 'pending' : '';
}

/** A button that puts a text on the clipboard and says so for a moment. */
export function Copy(props: { text: string; label: string; className?: string }): ReactElement {
  const [said, say] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(props.text);
      say('Copied');
    } catch {
      say('The browser refused');
    }
    window.setTimeout(() => say(''), 2000);
  };
  return (
    <button
      type="button"
      className={props.className ?? 'jp-nba-button'}
      title={props.text}
      onClick={() => void copy()}
      aria-live="polite"
    >
      {said || props.label}
    </button>
  );
}

/** The time of day, with the date where it is not today. */
export function clockTime(time: Date): string {
  const clock = time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return time.toDateString() === new Date().toDateString()
    ? clock
    : `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${clock}`;
}

/** "just now", "2 min ago", "Mon": when something was, as a sentence says it. */
export function when(time: string): string {
  const text = ago(time);
  return text === 'now' ? 'just now' : /^\d+ (?:min|h)$/.test(text) ? `${text} ago` : text;
}

/** The last part of a path, whatever the system it came from. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).pop() || path;
}
