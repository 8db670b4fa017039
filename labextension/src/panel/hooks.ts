/** React hooks of the panel: the clock, a list that holds still under the pointer, and windowing. */
import type { ISignal } from '@lumino/signaling';
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'react';
import type { RefObject } from 'react';

/** Render again whenever `signal` is emitted. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    signal.connect(again);
    again();
    return () => {
      signal.disconnect(again);
    };
  }, [signal]);
}

/** A number that changes every `seconds` while the page is in sight, so that "2 min ago" stays true. */
export function useClock(seconds: number): number {
  const [ticks, tick] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) {
        tick();
      }
    }, seconds * 1000);
    return () => window.clearInterval(timer);
  }, [seconds]);
  return ticks;
}

const IDLE_POINTER = 4000;

/** Whether a pointer is at work over the element: it moved there within the last seconds. */
export function usePointerOver(element: RefObject<HTMLElement>): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const node = element.current;
    if (!node) {
      return;
    }
    let timer = 0;
    const listeners = new AbortController();
    const stay = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setOver(false), IDLE_POINTER);
      setOver(true);
    };
    const leave = () => {
      window.clearTimeout(timer);
      setOver(false);
    };
    node.addEventListener('pointermove', stay, { signal: listeners.signal });
    node.addEventListener('pointerleave', leave, { signal: listeners.signal });
    return () => {
      listeners.abort();
      window.clearTimeout(timer);
    };
  }, [element]);
  return over;
}

/** What `useStill` shows, and how many items wait to be shown. */
export interface StillList<T> {
  items: T[];
  waiting: number;
}

/**
 * The items in their order; while `held`, in the order they had before, each with its newest content.
 * What came meanwhile is counted as waiting, what went is gone.
 */
export function useStill<T>(items: T[], name: (item: T) => string, held: boolean): StillList<T> {
  const order = useRef<string[]>([]);
  if (!held || order.current.length === 0) {
    order.current = items.map(name);
    return { items, waiting: 0 };
  }
  const now = new Map(items.map(item => [name(item), item]));
  const kept = order.current.flatMap(key => now.get(key) ?? []);
  return { items: kept, waiting: items.length - kept.length };
}

/** The part of a long list that is in sight: indexes `first` to `end` of rows that are `rowHeight` high. */
export interface Window {
  first: number;
  end: number;
  rowHeight: number;
  /** Scroll so that the row is in sight. */
  reveal: (index: number) => void;
  scrolled: boolean;
}

const OVERSCAN = 6;

/**
 * Windowing of equally high rows within the scrolling element `box`. The height of a row is read from the style
 * sheet (`--jp-nba-row-height`, in em), so that it follows the theme's font size and the browser's zoom.
 */
export function useWindow(box: RefObject<HTMLElement>, count: number): Window {
  const [view, setView] = useState({ top: 0, height: 600, rowHeight: 48 });
  const measure = useCallback(() => {
    const node = box.current;
    if (node && node.clientHeight > 0) {
      const probe = node.querySelector<HTMLElement>('.jp-nba-row');
      setView(old => {
        const rowHeight = probe?.offsetHeight || old.rowHeight;
        const next = { top: node.scrollTop, height: node.clientHeight, rowHeight };
        return old.top === next.top && old.height === next.height && old.rowHeight === rowHeight
          ? old
          : next;
      });
    }
  }, [box]);
  useLayoutEffect(measure, [count, measure]);
  useEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const sizes = new ResizeObserver(measure);
    sizes.observe(node);
    node.addEventListener('scroll', measure, { passive: true });
    return () => {
      sizes.disconnect();
      node.removeEventListener('scroll', measure);
    };
  }, [box, measure]);
  const reveal = (index: number) => {
    const node = box.current;
    if (node) {
      const top = index * view.rowHeight;
      if (top < node.scrollTop) {
        node.scrollTop = top;
      } else if (top + view.rowHeight > node.scrollTop + node.clientHeight) {
        node.scrollTop = top + view.rowHeight - node.clientHeight;
      }
    }
  };
  const first = Math.max(0, Math.floor(view.top / view.rowHeight) - OVERSCAN);
  const shown = Math.ceil(view.height / view.rowHeight) + 2 * OVERSCAN;
  return {
    first: Math.min(first, Math.max(0, count - shown)),
    end: Math.min(count, first + shown),
    rowHeight: view.rowHeight,
    reveal,
    scrolled: view.top > view.rowHeight / 2
  };
}
