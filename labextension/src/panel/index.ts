/** The plugin of the sidebar and of artifacts' pages: wiring only. It works in JupyterLab and in Notebook 7. */
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  InputDialog,
  WidgetTracker,
  showDialog,
  showErrorMessage
} from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { RequestError, isId, sharedClient } from '../client';
import type { Client } from '../client';
import { failure, title } from '../format';
import { tools as toolsOf } from '../frontend';
import { artifactsIcon } from '../icons';
import { ArtifactsModel } from '../model';
import { providePages } from '../pages';
import type { Tools } from '../source';
import type { WireRecord } from '../wire';
import { PageModel } from './pagemodel';
import type { Subject } from './pagemodel';
import { PageWidget, SidebarWidget, nameOf } from './widgets';

/** Commands of the panel. */
export const CommandIDs = { open: 'nb-artifacts:open', show: 'nb-artifacts:show-panel' };

const RANK = 420;

/** Opens pages: one for each key, one for each artifact without a key. */
class Pages {
  readonly tracker = new WidgetTracker<PageWidget>({ namespace: 'nb-artifacts-pages' });

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly client: Client,
    private readonly tools: Tools,
    private readonly area: 'main' | 'right'
  ) {}

  /** The page of `id`'s key with that version, or of `key` with its newest. */
  async open(args: Subject): Promise<PageWidget> {
    const subject = args.key === undefined ? await this.placed(args.id ?? '') : args;
    const found = this.tracker.find(page => nameOf(page.subject) === nameOf(subject));
    const page = found ?? this.add(subject);
    if (found && subject.key !== undefined) {
      if (subject.id === undefined) {
        found.model.follow();
      } else {
        found.model.show(subject.id);
      }
    }
    this.app.shell.activateById(page.id);
    return page;
  }

  /** What a page about `id` is about. The newest version of a key is followed, an older one stays. */
  private async placed(id: string): Promise<Subject> {
    try {
      const { key } = await this.client.artifact(id);
      if (key === null) {
        return { id };
      }
      const [newest] = await this.client.latest({ artifacts: { key: { any_: [key] } }, limit: 1 });
      return newest?.id === id ? { key } : { key, id };
    } catch (error) {
      if (error instanceof RequestError) {
        return { id };
      }
      throw error;
    }
  }

  private add(subject: Subject): PageWidget {
    const model = new PageModel(this.client, subject);
    const page = new PageWidget(subject, {
      model,
      client: this.client,
      tools: this.tools,
      open: record => void this.open({ id: record.id }),
      remove: record => void remove(model, record)
    });
    void this.tracker.add(page);
    this.app.shell.add(page, this.area, { type: 'Artifact' });
    return page;
  }
}

async function remove(model: PageModel, record: WireRecord): Promise<void> {
  const version = record.version === null ? '' : ` version ${record.version} of`;
  const answer = await showDialog({
    title: `Delete${version} ${record.key ?? title(record)}?`,
    body:
      record.key === null
        ? 'It cannot be brought back.'
        : 'It cannot be brought back, and its number is not given again. Other versions stay.',
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Delete' })],
    defaultButton: 0
  });
  if (answer.button.accept) {
    await model
      .remove()
      .catch((error: unknown) => showErrorMessage('The artifact was not deleted', failure(error)));
  }
}

async function ask(model: ArtifactsModel): Promise<Subject | null> {
  const keys = model.latest.map(record => record.key ?? '');
  const answer = await InputDialog.getItem({
    title: 'Open artifact',
    label: 'Key',
    items: keys,
    editable: true,
    okLabel: 'Open'
  });
  const key = answer.button.accept ? (answer.value ?? '').trim() : '';
  return key === '' ? null : isId(key) ? { id: key } : { key };
}

/** The sidebar "Artifacts" and the command that opens an artifact's page. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nb-artifacts:panel',
  description: 'The sidebar "Artifacts", and a page for each artifact.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): void => {
    const client = sharedClient(app.serviceManager.serverSettings);
    const model = new ArtifactsModel(client);
    const { markdownParser, latexTypesetter } = rendermime;
    const tools = toolsOf({
      markdownParser: markdownParser ?? undefined,
      latexTypesetter: latexTypesetter ?? undefined
    });
    // Notebook 7 keeps its main area for the one notebook.
    const pages = new Pages(app, client, tools, labShell ? 'main' : 'right');
    const open = (subject: Subject) => void pages.open(subject);
    providePages(({ id }) => open({ id }));

    const sidebar = new SidebarWidget(model, record =>
      open({ key: record.key ?? undefined, id: undefined })
    );
    app.shell.add(sidebar, 'left', { rank: RANK, type: 'Artifacts' });

    app.commands.addCommand(CommandIDs.open, {
      label: args => (args['id'] || args['key'] ? 'Open Artifact' : 'Open Artifact…'),
      caption: 'Open the page of an artifact by its key or id',
      icon: artifactsIcon,
      execute: async args => {
        const key = typeof args['key'] === 'string' ? args['key'] : undefined;
        const id = typeof args['id'] === 'string' ? args['id'] : undefined;
        const subject = key === undefined && id === undefined ? await ask(model) : { key, id };
        return subject && pages.open(subject);
      }
    });
    app.commands.addCommand(CommandIDs.show, {
      label: 'Show Artifacts',
      caption: 'Show the sidebar of artifacts',
      icon: artifactsIcon,
      execute: () => app.shell.activateById(sidebar.id)
    });
    Object.values(CommandIDs).forEach(command =>
      palette?.addItem({ command, category: 'Artifacts' })
    );

    restorer?.add(sidebar, sidebar.id);
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.open,
      args: ({ subject }) => ({ ...subject }),
      name: ({ subject }) => nameOf(subject)
    });
  }
};
