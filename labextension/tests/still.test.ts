import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { holdStill } from '../src/views/still';

let resized: () => void;

beforeEach(() =>
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(callback: () => void) {
        resized = callback;
      }
      observe = vi.fn();
      unobserve = vi.fn();
    }
  )
);
afterEach(() => vi.unstubAllGlobals());

/** A box that is scrolled by 500, with elements of these heights, one below the other. */
function boxOf(heights: number[]): { box: HTMLElement; items: HTMLElement[]; heights: number[] } {
  const box = document.createElement('div');
  box.style.overflowY = 'auto';
  Object.defineProperties(box, { scrollHeight: { value: 5000 }, clientHeight: { value: 400 } });
  box.scrollTop = 500;
  const items = heights.map((_, index) => {
    const item = document.createElement('div');
    Object.defineProperty(item, 'offsetHeight', { get: () => heights[index] });
    item.getBoundingClientRect = () => {
      const above = heights.slice(0, index).reduce((sum, height) => sum + height, 0);
      return { top: above - box.scrollTop } as DOMRect;
    };
    return item;
  });
  box.append(...items);
  document.body.replaceChildren(box);
  return { box, items, heights };
}

describe('what a person looks at', () => {
  it('stays when outputs above it change their height, and those below do not count', () => {
    const { box, items, heights } = boxOf([200, 350, 300, 100]);
    const release = items.map(holdStill);
    heights.splice(0, 4, 260, 330, 900, 10);
    resized();
    expect(box.scrollTop).toBe(540);
    resized();
    expect(box.scrollTop).toBe(540);
    release.forEach(one => one());
    heights[0] = 500;
    resized();
    expect(box.scrollTop).toBe(540);
  });

  it('is not moved a second time where the browser holds it itself', () => {
    const { box, items, heights } = boxOf([200, 350, 300]);
    items.forEach(holdStill);
    heights[0] = 260;
    box.scrollTop = 560;
    resized();
    expect(box.scrollTop).toBe(560);
  });

  it('follows a person who scrolls meanwhile', () => {
    const { box, items, heights } = boxOf([200, 350, 300]);
    items.forEach(holdStill);
    box.scrollTop = 560;
    box.dispatchEvent(new Event('scroll'));
    heights[0] = 260;
    resized();
    expect(box.scrollTop).toBe(620);
  });
});
