/** The status bar's item: how many bars and live tables run; a click lists them. */

import { ReactWidget } from '@jupyterlab/apputils';
import { Popup, showPopup } from '@jupyterlab/statusbar';
import { UseSignal } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';
import { summary, title } from '../format';
import { progressOf } from '../progress';
import type { WireRecord } from '../wire';
import { countWords } from './model';
import type { RunningModel } from './model';

type Open = (record: WireRecord) => void;

export class StatusItem extends ReactWidget {
  private popup: Popup | null = null;

  constructor(
    private readonly model: RunningModel,
    private readonly open: Open
  ) {
    super();
    this.addClass('jp-nba-status');
  }

  render(): ReactElement {
    return (
      <UseSignal signal={this.model.counted}>
        {() => {
          const words = `${countWords(this.model.items)} running`;
          return (
            <button
              type="button"
              className="jp-nba-status-button"
              title="List what runs"
              aria-haspopup="dialog"
              onClick={() => this.list()}
            >
              <span aria-hidden="true">▶ </span>
              {words}
            </button>
          );
        }}
      </UseSignal>
    );
  }

  private list(): void {
    this.popup?.dispose();
    const close = (record: WireRecord): void => {
      this.popup?.dispose();
      this.popup = null;
      this.open(record);
    };
    const body = new RunningList(this.model, close);
    const popup = showPopup({ body, anchor: this, align: 'left', hasDynamicSize: true });
    this.popup = popup;
    void body.renderPromise?.then(() => body.node.querySelector('button')?.focus());
    popup.disposed.connect(() => {
      if (popup.node.contains(document.activeElement)) {
        this.node.querySelector('button')?.focus();
      }
    });
  }
}

class RunningList extends ReactWidget {
  constructor(
    private readonly model: RunningModel,
    private readonly open: Open
  ) {
    super();
    this.addClass('jp-nba-running');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', 'What runs');
  }

  render(): ReactElement {
    return (
      <UseSignal signal={this.model.changed}>
        {() =>
          this.model.items.length === 0 ? (
            <p className="jp-nba-notice">Nothing runs any more.</p>
          ) : (
            <ul>{this.model.items.map(record => this.row(record))}</ul>
          )
        }
      </UseSignal>
    );
  }

  private row(record: WireRecord): ReactElement {
    const { share } = progressOf(record);
    return (
      <li key={record.id}>
        <button type="button" onClick={() => this.open(record)}>
          <span className="jp-nba-running-name">{title(record)}</span>
          <span className="jp-nba-running-words">{summary(record)}</span>
          {record.type === 'progress' && (
            <span className="jp-nba-running-track" aria-hidden="true">
              <span style={{ inlineSize: `${(share ?? 0) * 100}%` }} />
            </span>
          )}
        </button>
      </li>
    );
  }
}
