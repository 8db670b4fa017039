/** The Lumino shells around the panel's components. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';
import { typeWord } from '../format';
import { artifactsIcon, iconOf } from '../icons';
import type { ArtifactsModel } from '../model';
import type { WireRecord } from '../wire';
import { Page } from './page';
import type { PageProps } from './page';
import type { PageModel, Subject } from './pagemodel';
import { Sidebar } from './sidebar';

/** The sidebar. While it is hidden it holds no rows. */
export class SidebarWidget extends ReactWidget {
  constructor(
    private readonly model: ArtifactsModel,
    private readonly open: (record: WireRecord) => void
  ) {
    super();
    this.id = 'nb-artifacts-panel';
    this.addClass('jp-nba-panel');
    this.title.label = 'Artifacts';
    this.title.caption = 'Artifacts';
    this.title.icon = artifactsIcon;
  }

  protected override render(): ReactElement {
    return this.isVisible ? <Sidebar model={this.model} open={this.open} /> : <></>;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.renderPromise?.then(() => this.node.querySelector('input')?.focus());
  }
}

class PageContent extends ReactWidget {
  constructor(private readonly props: PageProps) {
    super();
    this.addClass('jp-nba-page');
    this.node.tabIndex = -1;
    props.model.changed.connect(this.describe);
    this.describe();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.props.model.changed.disconnect(this.describe);
      this.props.model.dispose();
    }
    super.dispose();
  }

  protected override render(): ReactElement {
    return <Page {...this.props} />;
  }

  private readonly describe = (): void => {
    const { record } = this.props.model;
    if (record) {
      this.title.label = record.key ?? typeWord(record.type);
      this.title.icon = iconOf(record.type);
      this.title.caption = [record.key ?? 'No key', record.description].filter(Boolean).join('\n');
    }
  };
}

/** An artifact's page as a widget of the main area. */
export class PageWidget extends MainAreaWidget<ReactWidget> {
  /** What the page is about, as the layout restorer keeps it. */
  readonly subject: Subject;

  readonly model: PageModel;

  constructor(subject: Subject, props: PageProps) {
    const content = new PageContent(props);
    content.title.label = subject.key ?? 'Artifact';
    content.title.icon = artifactsIcon;
    content.title.closable = true;
    super({ content });
    this.subject = subject;
    this.model = props.model;
    this.id = `nb-artifacts-page-${nameOf(subject)}`;
    this.toolbar.hide();
  }
}

/** One page a key, and one for each artifact without one. */
export function nameOf(subject: Subject): string {
  return subject.key === undefined ? `id ${subject.id}` : `key ${subject.key}`;
}
