/** The box that scrolls: it keeps its scroll bar where the rows in sight belong. */

import type { Scroll } from './geometry';

const STILL = 150;

export class ScrollBox {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly box: HTMLElement,
    private readonly scroll: Scroll,
    private readonly paint: () => void
  ) {}

  listen(signal: AbortSignal): void {
    this.box.addEventListener('scroll', () => this.scrolled(), { passive: true, signal });
    signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
  }

  /** Bring a place of the table to the top of the box. */
  to(top: number): void {
    this.box.scrollTop = this.scroll.to(top);
  }

  /** The height stays while rows are left out, so that nothing jumps. */
  hold(on: boolean): void {
    const { style, offsetHeight } = this.box;
    style.minBlockSize = on ? style.minBlockSize || `${offsetHeight}px` : '';
  }

  private scrolled(): void {
    this.put(this.scroll.moved(this.box.scrollTop));
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.put(this.scroll.settled())) {
        this.paint();
      }
    }, STILL);
  }

  private put(top: number | null): boolean {
    if (top !== null) {
      this.box.scrollTop = top;
    }
    return top !== null;
  }
}
