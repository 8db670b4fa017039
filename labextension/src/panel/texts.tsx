/** The tabs "Raw" and "Source": what is stored as it stands, and the code of the cell. */
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import { bytes, count, failure } from '../format';
import { print } from '../json';
import type { Source } from '../source';
import { origin } from '../views/card';
import { fill } from '../views/dom';
import { Message, Skeleton } from './states';
import { Copy } from './words';

const LONGEST = 100_000;

/** A Markdown fragment of the source's making, put where this component is. */
export function Fragment(props: { source: Source; text: string; className: string }): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const { source, text } = props;
  useEffect(() => {
    let current = true;
    const show = (content: Node) => {
      if (current && host.current) {
        fill(host.current, content);
      }
    };
    source.markdown(text).then(show, () => show(document.createTextNode(text)));
    return () => {
      current = false;
    };
  }, [source, text]);
  return <div ref={host} className={props.className} />;
}

/** The record and its payload, as text. */
export function Raw({ source }: { source: Source }): ReactElement {
  const { record } = source;
  const [data, setData] = useState<{ value: unknown } | { error: string } | null>(null);
  useEffect(() => {
    let current = true;
    source.data().then(
      value => current && setData({ value }),
      (error: unknown) => current && setData({ error: failure(error) })
    );
    return () => {
      current = false;
    };
  }, [source, record.seq]);
  if (data === null) {
    return <Skeleton rows={3} />;
  }
  const payload =
    'error' in data ? data.error : typeof data.value === 'string' ? data.value : print(data.value);
  const { data: _payload, ...members } = record;
  return (
    <div className="jp-nba-raw">
      <Block title="Data" text={payload}>
        {record.blob && <Download source={source} />}
      </Block>
      <Block title="Record" text={print(members)} />
    </div>
  );
}

function Block(props: {
  title: string;
  text: string;
  children?: ReactElement | null | false;
}): ReactElement {
  const { text } = props;
  return (
    <section aria-label={props.title}>
      <h3>
        {props.title}
        <span>
          {text.length > LONGEST &&
            `the first ${count(LONGEST)} of ${count(text.length)} characters `}
          {props.children}
          <Copy text={text} label="Copy" />
        </span>
      </h3>
      <pre tabIndex={0}>{text.slice(0, LONGEST)}</pre>
    </section>
  );
}

const ENDINGS = new Map([
  ['application/vnd.apache.parquet', 'parquet'],
  ['application/json', 'json'],
  ['text/plain', 'txt'],
  ['image/jpeg', 'jpg'],
  ['image/svg+xml', 'svg']
]);

function Download({ source }: { source: Source }): ReactElement {
  const { record } = source;
  const media = record.blob?.media ?? '';
  const [problem, tell] = useState('');
  const save = async () => {
    const url = URL.createObjectURL(await source.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = `${record.key ?? record.id}.${ENDINGS.get(media) ?? media.replace(/^.*\//, '')}`;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  const click = () => {
    tell('');
    save().catch((error: unknown) => tell(`Not downloaded. ${failure(error)}`));
  };
  return (
    <>
      <span role="status">{problem}</span>
      <button type="button" className="jp-nba-button" title={media} onClick={click}>
        Download {bytes(record.blob?.size ?? 0)}
      </button>
    </>
  );
}

/** The code of the cell that made the artifact. */
export function Code({ source }: { source: Source }): ReactElement {
  const code = source.runs.map(run => run.provenance.source).find(text => text);
  if (!code) {
    return (
      <Message title="The code was not kept">
        <p>
          Either no cell made this artifact, or keeping code was switched off (
          <code>provenance</code>).
        </p>
      </Message>
    );
  }
  const fence = '`'.repeat(
    Math.max(3, ...[...code.matchAll(/`+/g)].map(([run]) => run.length + 1))
  );
  return (
    <section className="jp-nba-code" aria-label="Code of the cell">
      <h3>
        <bdi>{origin(source.runs)}</bdi>
        <span>
          <Copy text={code} label="Copy" />
        </span>
      </h3>
      <Fragment
        source={source}
        text={`${fence}python\n${code}\n${fence}`}
        className="jp-nba-code-text jp-RenderedHTMLCommon"
      />
    </section>
  );
}
