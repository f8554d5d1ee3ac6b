import { describe, expect, test } from 'vitest';
import { MOST_VERSIONS, needsRollout, nextVersion } from '../../src/platform/versions.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';

const spec = quick();
const [unit] = spec.units;

describe('version numbers', () => {
  test('count up, each part to 99', () => {
    expect(nextVersion('1.0.0')).toBe('1.0.1');
    expect(nextVersion('1.0.99')).toBe('1.1.0');
    expect(nextVersion('1.99.99')).toBe('2.0.0');
  });
});

describe('what makes instances anew', () => {
  test('nothing that only describes, weighs or scales by itself', () => {
    expect(needsRollout(spec, { ...spec, description: 'other', weight: 3 })).toBe(false);
    const scaling = { min: 1, max: 4, rules: [], utcOffsetMinutes: 0 } as unknown as NonNullable<typeof spec.scaling>;
    expect(needsRollout(spec, { ...spec, scaling })).toBe(false);
  });

  test('not the order in which settings are written', () => {
    const reversed = Object.fromEntries(Object.entries(spec).reverse()) as unknown as typeof spec;
    expect(needsRollout(spec, reversed)).toBe(false);
  });

  guideRule(3314, 'a change that needs a restart says so before it is made', () => {
    expect(needsRollout(spec, revised(spec))).toBe(true);
    expect(needsRollout(spec, { ...spec, description: 'other' })).toBe(false);
  });

  guideRule(3179, 'a change of resources, environment, management or advanced settings is a rolling upgrade', () => {
    const changes = {
      resources: { ...spec, units: [{ ...unit!, resources: { cpu: 2, memoryGiB: 32, accelerators: 1 } }] },
      instances: { ...spec, instances: 3 },
      environment: revised(spec),
      image: { ...spec, units: [quickUnit({ image: { name: 'quick:2', sizeGiB: 1 } })] },
      management: { ...spec, maxSurge: 50 },
      secrets: {
        ...spec,
        secrets: [{ kind: 'dew', name: 'key', mountPath: '/key' }] as unknown as typeof spec.secrets,
      },
    };
    for (const [name, changed] of Object.entries(changes)) {
      const lab = Quick.ready(quickLab([spec]));
      const before = lab.deployment.instances.map(({ index }) => index);
      expect(lab.upgrade(changed), name).toBeUndefined();
      expect(lab.status, name).toBe('UPGRADING');
      lab.untilStatus('RUNNING');
      expect(
        lab.deployment.staying.some(({ index }) => before.includes(index)),
        name,
      ).toBe(false);
    }
  });

  test('a change of description and weight is taken at once, and leaves the version and its instances as they are', () => {
    const lab = Quick.ready(quickLab([spec]));
    const before = [...lab.deployment.instances];
    expect(lab.upgrade({ ...spec, description: 'other', weight: 7 })).toBeUndefined();
    expect(lab.status).toBe('RUNNING');
    lab.pass(60);
    expect(lab.deployment.instances).toEqual(before);
    expect(lab.deployment.versions.map(({ number }) => number)).toEqual(['1.0.0']);
    expect([lab.deployment.spec.description, lab.deployment.weight]).toEqual(['other', 7]);
  });

  test('an upgrade that leaves the number of instances alone keeps what scaling has come to', () => {
    const lab = Quick.ready(quickLab([spec]));
    lab.operate(on('scale', { instances: 4 }));
    lab.pass(30);
    lab.upgrade(revised(spec));
    lab.untilStatus('RUNNING');
    expect(lab.deployment.target).toBe(4);
    lab.upgrade({ ...spec, instances: 3 });
    lab.untilStatus('RUNNING');
    expect(lab.deployment.target).toBe(3);
  });
});

describe('versions of a deployment', () => {
  function upgraded(): Quick {
    const lab = Quick.ready(quickLab([spec]));
    lab.upgrade(revised(spec));
    lab.untilStatus('RUNNING');
    return lab;
  }

  guideRule(3177, 'an upgrade makes a new version of the deployment', () => {
    const { deployment } = upgraded();
    expect(deployment.versions.map(({ number }) => number)).toEqual(['1.0.0', '1.0.1']);
    expect(deployment.version.number).toBe('1.0.1');
  });

  guideRule(3120, 'a deployment can be switched to another of its versions', () => {
    const lab = upgraded();
    expect(lab.operate(on('switch-version', { version: '1.0.1' }))).toMatch(/is the current version/);
    expect(lab.operate(on('switch-version', { version: '3.0.0' }))).toMatch(/there is no version/);
    expect(lab.operate(on('switch-version', { version: '1.0.0' }))).toBeUndefined();
    expect(lab.status).toBe('UPGRADING');
    expect(lab.operate(on('switch-version', { version: '1.0.1' }))).toBe('it is UPGRADING');
    expect(lab.untilStatus('RUNNING', () => expect(lab.ready).toBeGreaterThanOrEqual(2))).toBe(true);
    expect(lab.deployment.staying.map(({ version }) => version.number)).toEqual(['1.0.0', '1.0.0']);
    expect(lab.deployment.versions).toHaveLength(2);
  });

  guideRule(3123, 'a version can be deleted, the current one cannot', () => {
    const lab = upgraded();
    expect(lab.operate(on('delete-version', { version: '1.0.1' }))).toBe('1.0.1 is the current version');
    expect(lab.operate(on('delete-version', { version: '1.0.0' }))).toBeUndefined();
    expect(lab.operate(on('switch-version', { version: '1.0.0' }))).toMatch(/there is no version/);
  });

  guideRule(3197, 'at the most versions an upgrade is refused until one is deleted', () => {
    const lab = Quick.ready(quickLab([spec]));
    const nth = (revision: number) => revised(spec, { description: `${revision}`, maxSurge: 1 + revision });
    for (let revision = 1; revision < MOST_VERSIONS; revision++) {
      expect(lab.upgrade(nth(revision))).toBeUndefined();
      lab.untilStatus('RUNNING');
    }
    expect(lab.upgrade(nth(MOST_VERSIONS))).toMatch(/20 versions, the most; delete one first/);
    expect(lab.events('deploymentUpdateRefused', 'serviceUpgradeConfigurationFailed')).toHaveLength(2);
    expect(lab.operate(on('delete-version', { version: '1.0.0' }))).toBeUndefined();
    expect(lab.upgrade(nth(MOST_VERSIONS))).toBeUndefined();
  });

  test('of an upgrade that failed stay, and one of them can be switched to again', () => {
    const lab = Quick.ready(quickLab([spec]));
    lab.upgrade({ ...spec, units: [quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } })] });
    lab.untilStatus('RUNNING');
    expect(lab.deployment.versions).toHaveLength(2);
    expect(lab.operate(on('switch-version', { version: '1.0.1' }))).toBeUndefined();
    lab.untilStatus('RUNNING');
    expect(lab.deployment.version.number).toBe('1.0.0');
  });

  test('a stopped deployment takes a version for its next start', () => {
    const lab = upgraded();
    lab.operate(on('stop'));
    lab.untilStatus('STOPPED');
    expect(lab.operate(on('switch-version', { version: '1.0.0' }))).toBeUndefined();
    expect([lab.status, lab.deployment.version.number]).toEqual(['STOPPED', '1.0.0']);
    expect(lab.upgrade(revised(spec, { maxSurge: 9 }))).toBeUndefined();
    expect([lab.status, lab.deployment.version.number]).toEqual(['STOPPED', '1.0.2']);
    lab.operate(on('start'));
    lab.untilStatus('RUNNING');
    expect(lab.deployment.staying.map(({ version }) => version.number)).toEqual(['1.0.2', '1.0.2']);
  });

  test('whose engine could not start are refused before a pod is touched', () => {
    const lab = Quick.ready(quickLab([spec]));
    const huge = quickUnit({ engine: { ...unit!.engine!, maxModelLen: 100_000 } });
    expect(lab.upgrade({ ...spec, units: [huge] })).toMatch(/fewer than engine.maxModelLen/);
    expect([lab.status, lab.deployment.versions.length]).toEqual(['RUNNING', 1]);
    expect(lab.events('serviceUpgradeConfigurationFailed')).toHaveLength(1);
  });
});
