/**
 * What a person looks at stays where it is while outputs above it become higher or lower. Browsers do that by
 * themselves, but JupyterLab switches it off for all cells that are not active.
 */

const holders = new WeakMap<HTMLElement, Holder>();

/** Hold still what is below `element` in its scrolling box until what comes back is called. */
export function holdStill(element: HTMLElement): () => void {
  const box = scrollerOf(element);
  if (box === null || typeof ResizeObserver === 'undefined') {
    return () => undefined;
  }
  const holder = holders.get(box) ?? new Holder(box);
  holders.set(box, holder);
  return holder.hold(element);
}

function scrollerOf(element: HTMLElement): HTMLElement | null {
  for (let up = element.parentElement; up !== null; up = up.parentElement) {
    if (up.scrollHeight > up.clientHeight && /auto|scroll/.test(getComputedStyle(up).overflowY)) {
      return up;
    }
  }
  return null;
}

/** Watches the elements of one scrolling box that are about to change. */
class Holder {
  private readonly heights = new Map<HTMLElement, number>();
  private readonly sizes = new ResizeObserver(() => this.settle());
  private at = 0;

  constructor(private readonly box: HTMLElement) {}

  hold(element: HTMLElement): () => void {
    if (this.heights.size === 0) {
      this.look();
      this.box.addEventListener('scroll', this.look, { passive: true });
    }
    this.heights.set(element, element.offsetHeight);
    this.sizes.observe(element);
    return () => this.release(element);
  }

  private release(element: HTMLElement): void {
    this.heights.delete(element);
    this.sizes.unobserve(element);
    if (this.heights.size === 0) {
      this.box.removeEventListener('scroll', this.look);
    }
  }

  private readonly look = (): void => {
    this.at = this.box.scrollTop;
  };

  private settle(): void {
    const edge = this.box.getBoundingClientRect().top;
    const moved = this.box.scrollTop - this.at; // by the browser: a person's scrolling was heard before
    let grown = 0;
    for (const [element, before] of this.heights) {
      const height = element.offsetHeight;
      if (element.getBoundingClientRect().top + moved - grown < edge) {
        grown += height - before;
      }
      this.heights.set(element, height);
    }
    if (grown !== 0 && Math.abs(grown - moved) >= 1) {
      this.box.scrollTop += grown;
    }
    this.look();
  }
}
