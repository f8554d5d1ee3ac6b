import fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { ConnectionOperation, ServiceSpec } from '../../src/platform/index.ts';
import { ask, callLab } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { Quick, quick } from '../support/quick.ts';
import { SERVICE } from '../support/world.ts';

/** Private connections (guide 2612-2746): applied for, approved, connected, called over, and gone again. */

const VPCS = [
  { name: 'ours', subnets: ['a', 'b'] },
  { name: 'second', subnets: ['a'] },
  { name: 'theirs', account: 'third-party', subnets: ['a'] },
] as const;
const POOL = 'npus';
const ID = (name: string): string => `${SERVICE}/${name}`;

function lab(settings: Partial<ServiceSpec> = {}): Quick {
  return Quick.ready(callLab(settings, [quick({ instances: 1 })], { vpcs: VPCS }));
}

/** @returns why it was refused */
function operate({ world }: Quick, operation: ConnectionOperation): string | undefined {
  world.apply(world.now, { kind: 'operate', operation });
  return world.operations.at(-1)!.refusal;
}

const apply = (connection: string, from: object = { vpc: 'ours', subnet: 'a' }): ConnectionOperation =>
  ({ kind: 'create-connection', service: SERVICE, connection, ...from }) as ConnectionOperation;
const theirs = { vpc: 'theirs', subnet: 'a', account: 'third-party' };
const onto = (
  kind: 'approve-connection' | 'reject-connection' | 'revoke-connection' | 'retry-connection' | 'delete-connection',
  connection: string,
): ConnectionOperation => ({ kind, service: SERVICE, connection });
/** The latest of that name. */
const found = ({ world }: Quick, name: string) =>
  world.platform.connections.all.findLast(({ spec }) => spec.connection === name)!;
/** What a call over it is answered. */
const over = (each: Quick, name: string): number | undefined =>
  ask(each, { privateConnection: ID(name), maxTokens: 1 }).refusal?.status;

describe('private connections', () => {
  guideRule(2618, 'a private connection reaches the service, with or without the public network', () => {
    for (const publicAccess of [true, false]) {
      const each = lab({ access: { publicAccess } });
      expect(operate(each, apply('from-vpc'))).toBeUndefined();
      expect(operate(each, apply('from-pool', { pool: POOL }))).toBeUndefined();
      each.pass(60);
      for (const name of ['from-vpc', 'from-pool']) expect(over(each, name)).toBeUndefined();
      expect(ask(each, { clientIp: '192.0.2.1' }).refusal?.status).toBe(publicAccess ? undefined : 403);
    }
  });

  guideRule(2649, 'a service has one private connection for each VPC', () => {
    const each = lab();
    expect(operate(each, apply('one'))).toBeUndefined();
    expect(operate(each, apply('two', { vpc: 'ours', subnet: 'b' }))).toMatch(/one from VPC "ours" already/);
    expect(operate(each, apply('two', { vpc: 'second', subnet: 'a' }))).toBeUndefined();
    expect(operate(each, onto('delete-connection', 'one'))).toBeUndefined();
    each.pass(60);
    expect(operate(each, apply('again'))).toBeUndefined();
  });

  guideRule(2649, 'a VPC is chosen by the account that owns it alone', () => {
    const each = lab();
    expect(operate(each, apply('one', { vpc: 'theirs', subnet: 'a' }))).toMatch(/is not of account/);
    expect(operate(each, apply('one', { vpc: 'ours', subnet: 'a', account: 'third-party' }))).toMatch(
      /is not of account "third-party"/,
    );
    expect(operate(each, apply('one', theirs))).toBeUndefined();
  });

  guideRule(2650, 'a service has one private connection for each resource pool network', () => {
    const each = lab();
    expect(operate(each, apply('one', { pool: POOL }))).toBeUndefined();
    expect(operate(each, apply('two', { pool: POOL }))).toMatch(/one from pool "npus" already/);
  });

  guideRule(2654, 'a private connection is applied for while the service runs', () => {
    const each = lab();
    each.also({ kind: 'stop', service: SERVICE });
    expect(operate(each, apply('one'))).toBe('the service is STOPPING');
    each.until(() => each.service.status === 'STOPPED');
    expect(operate(each, apply('one'))).toBe('the service is STOPPED');
  });

  guideRule(2671, 'an application that is approved gets connected and has an access address', () => {
    const each = lab();
    operate(each, apply('mine'));
    operate(each, apply('third', theirs));
    expect(found(each, 'third').status).toBe('APPROVING');
    expect(operate(each, onto('approve-connection', 'third'))).toBeUndefined();
    expect(['mine', 'third'].map((name) => found(each, name).status)).toEqual(['CONNECTING', 'CONNECTING']);
    each.pass(60);
    expect(['mine', 'third'].map((name) => found(each, name).status)).toEqual(['CONNECTED', 'CONNECTED']);
    const hosts = ['mine', 'third'].map((name) => found(each, name).host);
    expect(new Set(hosts).size).toBe(2);
    for (const [index, name] of ['mine', 'third'].entries()) {
      expect(each.world.platform.connections.entry(hosts[index]!, '/')).toMatchObject({ connection: ID(name) });
    }
  });

  guideRule(2671, 'applications of third parties are approved by themselves when the service says so', () => {
    for (const autoApproveConnections of [true, false]) {
      const each = lab({ autoApproveConnections });
      operate(each, apply('third', theirs));
      each.pass(60);
      expect(found(each, 'third').status).toBe(autoApproveConnections ? 'CONNECTED' : 'APPROVING');
      expect(over(each, 'third')).toBe(autoApproveConnections ? undefined : 403);
    }
  });

  guideRule(2673, 'a connection that fails says "Connection failed. Try again" and can be retried', () => {
    const each = lab();
    operate(each, apply('one'));
    each.service.disturbances.add(0);
    each.pass(60);
    expect(found(each, 'one')).toMatchObject({ status: 'FAILED', message: 'Connection failed. Try again' });
    expect(over(each, 'one')).toBe(403);
    each.service.disturbances.clear();
    expect(operate(each, onto('retry-connection', 'one'))).toBeUndefined();
    each.pass(60);
    expect(found(each, 'one').status).toBe('CONNECTED');
    expect(over(each, 'one')).toBeUndefined();
  });

  guideRule(2681, 'a private connection comes from a VPC or from a resource pool', () => {
    const each = lab();
    for (const from of [{}, { vpc: 'ours', subnet: 'a', pool: POOL }]) {
      expect(operate(each, apply('one', from))).toBe('a private connection is from a VPC or from a resource pool');
    }
    expect(operate(each, apply('one', { vpc: 'nowhere', subnet: 'a' }))).toBe('there is no VPC "nowhere"');
    expect(operate(each, apply('one', { pool: 'nowhere' }))).toBe('there is no pool "nowhere"');
  });

  guideRule(2682, 'a private connection from a VPC names one of its subnets', () => {
    const each = lab();
    expect(operate(each, apply('one', { vpc: 'ours' }))).toMatch(/names its subnet/);
    expect(operate(each, apply('one', { vpc: 'ours', subnet: 'c' }))).toBe('there is no subnet "c" in VPC "ours"');
    expect(operate(each, apply('one', { vpc: 'ours', subnet: 'b' }))).toBeUndefined();
  });

  guideRule(2687, 'a private connection has at most 10 custom URLs', () => {
    const each = lab();
    const urls = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => `http://llm-${index}.corp.example`);
    const from = (customUrls: readonly string[]): object => ({ vpc: 'ours', subnet: 'a', customUrls });
    expect(operate(each, apply('one', from(urls(11))))).toMatch(/at most 10 custom URLs, not 11/);
    expect(operate(each, apply('one', from(['llm.example.com'])))).toMatch(/is no custom URL/);
    // The service is called over HTTP and HTTPS: it would never answer.
    expect(operate(each, apply('one', from(['wss://llm.corp.example'])))).toMatch(/called over HTTP and HTTPS/);
    expect(operate(each, apply('one', from(urls(10))))).toBeUndefined();
    const change = { kind: 'set-connection-urls', service: SERVICE, connection: 'one' } as const;
    expect(operate(each, { ...change, customUrls: ['ws://llm.corp.example'] })).toMatch(/"ws:.*leads nowhere/);
  });

  guideRule(2687, 'a call to a custom URL, of any path, comes in over its private connection', () => {
    const each = lab();
    const customUrls = ['http://llm.corp.example', 'https://llm.corp.example/chat/', 'https://10.0.0.7:8443/live'];
    operate(each, apply('one', { vpc: 'ours', subnet: 'a', customUrls }));
    each.pass(60);
    const { connections } = each.world.platform;
    expect(connections.entry('llm.corp.example', '/v1/models')).toMatchObject({
      connection: ID('one'),
      rest: '/v1/models',
    });
    expect(connections.entry('LLM.corp.example', '/chat/v1/models')).toMatchObject({ rest: '/v1/models' });
    expect(connections.entry('10.0.0.7:8443', '/live')).toMatchObject({ rest: '' });
    for (const [host, path] of [
      ['10.0.0.7:8443', '/lively'],
      ['10.0.0.7:80', '/live'],
      ['other.corp.example', '/'],
    ] as const) {
      expect(connections.entry(host, path)?.rest).toBeUndefined();
    }
  });

  guideRule(2732, 'a private connection that is deleted leads nowhere', () => {
    const each = lab();
    operate(each, apply('one'));
    each.pass(60);
    expect(over(each, 'one')).toBeUndefined();
    expect(operate(each, onto('delete-connection', 'one'))).toBeUndefined();
    each.pass(60);
    expect(found(each, 'one').status).toBe('DELETED');
    expect(over(each, 'one')).toBe(403);
    expect(operate(each, onto('delete-connection', 'one'))).toMatch(/no private connection "one"/);
  });

  guideRule(2738, 'an application of a third party waits until it is approved or rejected', () => {
    const each = lab();
    operate(each, apply('third', theirs));
    each.pass(86_400);
    expect([found(each, 'third').status, over(each, 'third')]).toEqual(['APPROVING', 403]);
    expect(operate(each, onto('reject-connection', 'third'))).toBeUndefined();
    each.pass(60);
    expect([found(each, 'third').status, over(each, 'third')]).toEqual(['REJECTED', 403]);
    expect(operate(each, onto('approve-connection', 'third'))).toBe('it is REJECTED');
  });

  guideRule(2743, 'a private connection whose authorization is revoked is closed', () => {
    const each = lab();
    operate(each, apply('third', theirs));
    operate(each, onto('approve-connection', 'third'));
    each.pass(60);
    expect(over(each, 'third')).toBeUndefined();
    expect(operate(each, onto('revoke-connection', 'third'))).toBeUndefined();
    expect(over(each, 'third')).toBe(403);
  });

  // Whatever is done to them in whatever order: calls get through over those that are connected, and over no others.
  guideRule(2618, 'a private connection reaches the service, with or without the public network', () => {
    const kinds = ['approve', 'reject', 'revoke', 'retry', 'delete'] as const;
    const step = fc.record({
      name: fc.constantFrom('mine', 'third'),
      kind: fc.constantFrom('apply', ...kinds),
      wait: fc.nat(12),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        const each = lab({ access: { publicAccess: false } });
        for (const { name, kind, wait } of steps) {
          const application = name === 'mine' ? apply(name) : apply(name, theirs);
          operate(each, kind === 'apply' ? application : onto(`${kind}-connection`, name));
          each.pass(wait);
          for (const one of ['mine', 'third']) {
            expect(over(each, one)).toBe(found(each, one)?.status === 'CONNECTED' ? undefined : 403);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
