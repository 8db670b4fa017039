/** A source for views under test: a record that the test changes. */

import { sanitized } from '../src/sanitize';
import type { Source } from '../src/source';
import { linkUrl } from '../src/url';
import type { WireRecord } from '../src/wire';

export interface TestSource extends Source {
  record: WireRecord;
  change(members: Partial<WireRecord>): void;
}

export function sourceOf(record: WireRecord, more: Partial<Source> = {}): TestSource {
  const followers: ((record: WireRecord) => void)[] = [];
  return {
    record,
    runs: [],
    local: false,
    deleted: false,
    subscribe: callback => void followers.push(callback),
    data() {
      return Promise.resolve(this.record.data);
    },
    blob: () => Promise.resolve(new Blob()),
    markdown: text => Promise.resolve(sanitized(`<p>${text}</p>`, false)),
    html: text => sanitized(text, false),
    typeset: () => Promise.resolve(),
    openUrlAllowed: url => linkUrl(url) !== null,
    change(members) {
      this.record = { ...this.record, ...members, seq: this.record.seq + 1 };
      followers.forEach(follower => follower(this.record));
    },
    ...more
  };
}
