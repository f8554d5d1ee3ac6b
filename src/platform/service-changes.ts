import { type AuthKind, CHANGEABLE_SETTINGS, callProblems, type ServiceChanges } from './call-settings.ts';
import type { AuthSpec, ServiceSpec } from './spec.ts';

/**
 * A service's specification with some of its own settings changed. Keys that it was made with stay bound to it,
 * whatever it asks for; which they are, the specification that it was made with tells.
 * @returns why it cannot be so, as text
 */
export function changedService(spec: ServiceSpec, set: ServiceChanges): ServiceSpec | string {
  const names: readonly string[] = CHANGEABLE_SETTINGS;
  // Guide 231 has the call mode, 205 the URL; the protocol is that of the containers.
  const fixed = Object.keys(set).find((name) => !names.includes(name));
  if (fixed !== undefined) return `"${fixed}" of a service cannot be changed; expected ${names.join(', ')}`;
  const { auth, ...settings } = set;
  const changed: Record<string, unknown> = { ...spec, ...settings };
  for (const [name, value] of Object.entries(settings)) if (value === null) delete changed[name];
  if (auth !== undefined) changed.auth = authOf(spec.auth, auth);
  const next = changed as unknown as ServiceSpec;
  const [problem] = callProblems(next);
  return problem === undefined ? next : problem[1];
}

function authOf(before: AuthSpec, kind: AuthKind): AuthSpec {
  if (before.kind === kind) return before;
  return kind === 'api-key' ? { kind, keys: [] } : { kind };
}
