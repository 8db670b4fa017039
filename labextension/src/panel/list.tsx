/** The sidebar's list: a list box of which only the rows in sight are in the DOM. */
import { useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement, ReactNode, RefObject } from 'react';
import { count } from '../format';
import type { WireRecord } from '../wire';
import { usePointerOver, useStill, useWindow } from './hooks';
import { Row } from './row';

/** What the list shows and whom it tells. */
export interface ListProps {
  records: WireRecord[];
  open: (record: WireRecord) => void;
  /** Receives a function that moves the keyboard into the list. */
  enter: RefObject<HTMLDivElement>;
  /** Changes when relative times must be written anew. */
  minute: number;
  /** Changes when other records are asked for: the list then starts again at its top. */
  question: string;
  children?: ReactNode;
}

const nameOf = (record: WireRecord) => record.key ?? record.id;

/** Keys of the keyboard that move the active row, and where to. */
function moved(key: string, at: number, page: number, last: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, at + 1);
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'PageDown':
      return Math.min(last, at + page);
    case 'PageUp':
      return Math.max(0, at - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

/** The records in the window, and the active one wherever it is, each with its place. */
function shownRows(
  items: readonly WireRecord[],
  at: number,
  view: { first: number; end: number }
): (readonly [WireRecord, number])[] {
  const shown = items
    .slice(view.first, view.end)
    .map((record, i) => [record, view.first + i] as const);
  const here = items[at];
  return here && (at < view.first || at >= view.end) ? [...shown, [here, at]] : shown;
}

interface RowsProps {
  items: readonly WireRecord[];
  at: number;
  view: { first: number; end: number; rowHeight: number };
  open: (record: WireRecord) => void;
  minute: number;
}

/** The rows in the window, in a box as high as all of them. */
function Rows({ items, at, view, open, minute }: RowsProps): ReactElement {
  return (
    <div
      className="jp-nba-list-all"
      style={{ height: items.length * view.rowHeight }}
      role="presentation"
    >
      {shownRows(items, at, view).map(([record, index]) => (
        <Row
          key={nameOf(record)}
          id={rowId(record)}
          record={record}
          index={index}
          count={items.length}
          top={index * view.rowHeight}
          active={index === at}
          open={open}
          minute={minute}
        />
      ))}
    </div>
  );
}

/**
 * Artifacts, newest first. While a pointer is at work over the list, or it is scrolled, nothing changes its place:
 * rows follow live where they are, and a button says how many new ones wait above.
 */
export function List(props: ListProps): ReactElement {
  const box = props.enter;
  const [active, setActive] = useState<string | null>(null);
  const [held, setHeld] = useState(false);
  const question = useRef(props.question);
  const asked = question.current !== props.question;
  question.current = props.question;
  const pointed = usePointerOver(box);
  const { items, waiting } = useStill(props.records, nameOf, held && !asked);
  const view = useWindow(box, items.length);
  useEffect(() => setHeld(pointed || view.scrolled), [pointed, view.scrolled]);
  useEffect(() => {
    if (box.current) {
      box.current.scrollTop = 0;
    }
  }, [box, props.question]);

  const at = items.findIndex(record => nameOf(record) === active);
  const onKeyDown = (event: KeyboardEvent) => {
    const here = items[at];
    if ((event.key === 'Enter' || event.key === ' ') && here) {
      event.preventDefault();
      props.open(here);
      return;
    }
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / view.rowHeight) - 1);
    const to = moved(event.key, at, page, items.length - 1);
    const target = to === null ? undefined : items[to];
    if (to !== null && target) {
      event.preventDefault();
      setActive(nameOf(target));
      view.reveal(to);
    }
  };
  const onFocus = () => {
    if (at < 0 && items[0]) {
      setActive(nameOf(items[0]));
    }
  };
  const open = (record: WireRecord) => {
    setActive(nameOf(record));
    props.open(record);
  };
  const showNew = () => {
    setHeld(false);
    if (box.current) {
      box.current.scrollTop = 0;
    }
  };

  const here = items[at];
  return (
    <div className="jp-nba-list-frame">
      {waiting > 0 && (
        <button type="button" className="jp-nba-new" onClick={showNew}>
          ↑ {count(waiting)} new
        </button>
      )}
      <div
        className="jp-nba-list"
        ref={box}
        role="listbox"
        tabIndex={0}
        aria-label="Artifacts, newest first"
        aria-activedescendant={here ? rowId(here) : undefined}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
      >
        <Rows items={items} at={at} view={view} open={open} minute={props.minute} />
      </div>
    </div>
  );
}

function rowId(record: WireRecord): string {
  return `jp-nba-row-${nameOf(record)}`;
}
