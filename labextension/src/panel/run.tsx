/** Where an artifact comes from, and everything that its session made. */
import type { ReactElement, ReactNode } from 'react';
import { count, exactly, line, plural, summary, title, took } from '../format';
import type { Provenance, Run, WireRecord } from '../wire';
import { useClock, useSignal } from './hooks';
import type { Made, RunModel } from './runmodel';
import { Message, Skeleton } from './states';
import { TypeIcon, clockTime, fileName, versionWord, when } from './words';

/** The tab "Run" of an artifact's page. */
export function RunView(props: {
  model: RunModel;
  open: (record: WireRecord) => void;
}): ReactElement {
  const { model } = props;
  useSignal(model.changed);
  useClock(5);
  if (model.state === 'loading') {
    return <Skeleton rows={4} />;
  }
  if (model.state === 'error') {
    return <Message title="The run cannot be read">{model.error}</Message>;
  }
  const { run, session } = model;
  if (!run || !session) {
    return (
      <Message title="Nobody knows where it comes from">
        <p>It was made through the API or another program, which named no run.</p>
      </Message>
    );
  }
  return (
    <div className="jp-nba-run">
      <Facts chain={model.chain} inputs={model.inputs} open={props.open} />
      <Everything model={model} session={session} open={props.open} />
    </div>
  );
}

function Facts(props: {
  chain: Run[];
  inputs: WireRecord[];
  open: (record: WireRecord) => void;
}): ReactElement {
  const { chain } = props;
  const run = chain[0] as Run;
  const session = chain.at(-1) as Run;
  const known = <K extends keyof Provenance>(name: K) =>
    chain.map(one => one.provenance[name]).find(value => value !== null && value !== undefined);
  const notebook = known('notebook');
  const git = known('git');
  const cell = known('execution_count');
  const packages = Object.entries(session.provenance.packages ?? {}).sort();
  const named = chain.filter(one => one.kind === 'flow' || one.kind === 'task');
  return (
    <dl className="jp-nba-facts">
      <Fact name="Notebook">{notebook && <bdi title={notebook}>{fileName(notebook)}</bdi>}</Fact>
      <Fact name="Cell">{cell ? `[${cell}]` : null}</Fact>
      {named.map(one => (
        <Fact key={one.id} name={one.kind === 'flow' ? 'Flow' : 'Task'}>
          {one.name}
        </Fact>
      ))}
      <Fact name="Ran">
        <time dateTime={run.started} title={exactly(run.started)}>
          {whenRan(run)}
        </time>
      </Fact>
      <Fact name="Code">
        {git &&
          `${git.branch ?? 'detached'}@${git.commit.slice(0, 7)}${git.dirty ? ', with uncommitted changes' : ', clean'}`}
      </Fact>
      <Fact name="By">{[known('user'), known('host')].filter(Boolean).join(' on ')}</Fact>
      <Fact name="Python">
        {session.provenance.python && (
          <details className="jp-nba-packages">
            <summary>
              {session.provenance.python}
              {packages.length > 0 && ` and ${plural(packages.length, 'package')}`}
            </summary>
            {packages.map(([name, version]) => `${name} ${version}`).join(', ')}
          </details>
        )}
      </Fact>
      <Fact name="Read">
        {props.inputs.length > 0 &&
          props.inputs.map(record => <Chip key={record.id} record={record} open={props.open} />)}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement | null {
  const empty =
    children === null || children === undefined || children === '' || children === false;
  return empty ? null : (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Everything(props: {
  model: RunModel;
  session: Run;
  open: (record: WireRecord) => void;
}): ReactElement {
  const { model, session } = props;
  const { made } = model;
  const all = made.reduce((sum, { records }) => sum + records.length, 0);
  const longest = Math.max(...made.map(({ run }) => seconds(run)), 0.001);
  return (
    <section aria-label="Everything this run made">
      <h3>
        Everything this run made
        <span>
          <span title={exactly(session.started)}>
            {plural(all, 'artifact')} since {clockTime(new Date(session.started))}
            {model.cut && ', the newest only'}
          </span>
        </span>
      </h3>
      <ol className="jp-nba-made">
        {made.map(one => (
          <RunRow
            key={one.run.id}
            made={one}
            longest={longest}
            shown={model.record.id}
            open={props.open}
          />
        ))}
      </ol>
    </section>
  );
}

function RunRow(props: {
  made: Made;
  longest: number;
  shown: string;
  open: (record: WireRecord) => void;
}): ReactElement {
  const { run, records } = props.made;
  const lasted = seconds(run);
  return (
    <li data-state={run.state} data-kind={run.kind}>
      <div className="jp-nba-made-run" title={run.error ?? exactly(run.started)}>
        <span className="jp-nba-made-name">{nameOf(run)}</span>
        {run.kind !== 'session' && (
          <span className="jp-nba-lane" aria-hidden="true">
            <i style={{ width: `${Math.max(1, (100 * lasted) / props.longest)}%` }} />
          </span>
        )}
        <span className="jp-nba-made-took">
          {run.kind === 'session' ? '' : stateWord(run, lasted)}
        </span>
      </div>
      {records.map(record => (
        <Chip key={record.id} record={record} open={props.open} shown={record.id === props.shown} />
      ))}
    </li>
  );
}

/** An artifact in a line of text: a button that opens its page. */
function Chip(props: {
  record: WireRecord;
  open: (record: WireRecord) => void;
  shown?: boolean;
}): ReactElement {
  const { record } = props;
  return (
    <button
      type="button"
      className="jp-nba-made-artifact"
      aria-current={props.shown ? 'true' : undefined}
      data-nba-id={record.id}
      data-nba-key={record.key ?? ''}
      data-nba-type={record.type ?? ''}
      onClick={() => props.open(record)}
    >
      <TypeIcon type={record.type} />
      <bdi className={record.key === null ? 'jp-mod-keyless' : undefined}>{title(record)}</bdi>
      <span>{[versionWord(record), summary(record)].filter(Boolean).join(' · ')}</span>
    </button>
  );
}

function nameOf(run: Run): string {
  const { execution_count: number, source } = run.provenance;
  if (run.kind === 'session') {
    return run.provenance.notebook ? 'Outside of any cell' : (run.name ?? 'The script itself');
  }
  if (run.kind !== 'cell') {
    return `${run.kind} ${run.name ?? ''}`;
  }
  const code = (source ?? '').split('\n').find(text => text.trim() && !text.trim().startsWith('#'));
  return `[${number ? count(number) : ' '}] ${line(code ?? run.name ?? 'cell', 80)}`;
}

function seconds(run: Run): number {
  const end = run.ended ? Date.parse(run.ended) : run.state === 'running' ? Date.now() : NaN;
  const lasted = (end - Date.parse(run.started)) / 1000;
  return Number.isFinite(lasted) ? Math.max(0, lasted) : 0;
}

function stateWord(run: Run, lasted: number): string {
  const time = took(lasted);
  switch (run.state) {
    case 'running':
      return `running for ${time}`;
    case 'completed':
      return time;
    default:
      return `${run.state} after ${time}`;
  }
}

function whenRan(run: Run): string {
  if (run.kind === 'session') {
    return `since ${when(run.started)}`;
  }
  const words = stateWord(run, seconds(run));
  return `${when(run.started)}, ${run.state === 'completed' ? `for ${words}` : words}`;
}
