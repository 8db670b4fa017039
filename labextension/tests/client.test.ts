import { describe, expect, it } from 'vitest';
import { RequestError, isId } from '../src/client';
import { record } from './records';
import { clientOf, json } from './server';

const ID = record().id;

describe('the client', () => {
  it('asks below the base URL of the hub, with the token in a header only', async () => {
    let seen: Request | null = null;
    const { client } = clientOf(() => json(record()));
    const inner = (client as unknown as { settings: { fetch: typeof fetch } }).settings;
    const before = inner.fetch;
    inner.fetch = input => {
      seen = input as Request;
      return before(input);
    };
    await client.artifact(ID);
    expect(new URL((seen as unknown as Request).url).pathname).toBe(
      `/user/ann/nb-artifacts/api/artifacts/${ID}`
    );
    expect((seen as unknown as Request).url).not.toContain('secret');
    expect((seen as unknown as Request).headers.get('Authorization')).toBe('token secret');
    expect((seen as unknown as Request).headers.get('Accept')).toBe(
      'application/vnd.nb-artifacts.v1+json'
    );
  });

  it('never puts anything but an id into a path', async () => {
    const { client, asked } = clientOf(() => json({}));
    for (const id of ['', '../status', `${ID}/blob`, 'x'.repeat(36), `${ID}?x`, '%2e%2e']) {
      expect(isId(id)).toBe(false);
      await expect(client.artifact(id)).rejects.toThrow(RequestError);
      await expect(client.blob(id)).rejects.toThrow(RequestError);
      await expect(client.run(id)).rejects.toThrow(RequestError);
      await expect(client.remove(id)).rejects.toThrow(RequestError);
    }
    expect(asked).toEqual([]);
  });

  it.each([
    [() => json({ detail: 'Artifact not found.' }, 404), 'missing'],
    [() => new Response('no such page', { status: 404 }), 'absent'],
    [() => json({}, 403), 'denied'],
    [() => json({ exception_message: 'x' }, 500), 'failed'],
    [() => Promise.reject(new TypeError('network')), 'unreachable']
  ] as const)('tells failures apart: %#', async (answer, reason) => {
    const { client } = clientOf(answer);
    await expect(client.artifact(ID)).rejects.toMatchObject({ reason });
  });

  it('knows the store that answered, an absent artifact or not', async () => {
    const { client } = clientOf(() => json({}, 404));
    await client.artifact(ID).catch(() => null);
    expect(client.store).toBe('s1');
  });

  it('takes an artifact only from the store that is asked for', async () => {
    const { client } = clientOf(() => json(record()));
    await expect(client.artifact(ID, undefined, 's1')).resolves.toMatchObject({ id: ID });
    await expect(client.artifact(ID, undefined, 's2')).rejects.toMatchObject({ reason: 'missing' });
  });

  it('looks at many records in one request', async () => {
    const other = ID.replace('01', '02');
    const { client, asked } = clientOf(() => json([record({ seq: 9 })]));
    const found = await Promise.all([
      client.current(ID),
      client.current(ID),
      client.current(other)
    ]);
    expect(found.map(one => one?.seq ?? null)).toEqual([9, 9, null]);
    expect(asked).toEqual(['POST artifacts/filter']);
  });

  it('asks for a run once', async () => {
    const run = { id: ID, kind: 'cell', state: 'completed', provenance: {} };
    const { client, asked } = clientOf(() => json(run));
    await Promise.all([client.run(ID), client.run(ID)]);
    await client.run(ID);
    expect(asked).toEqual([`GET runs/${ID}`]);
  });
});
