import { ASYNCHRONOUS } from './guide-lines/asynchronous.ts';
import { AUTHENTICATION, CALLING } from './guide-lines/calling.ts';
import { CHANNELS } from './guide-lines/channels.ts';
import { DEPLOYMENT, DEPLOYMENT_MANAGEMENT } from './guide-lines/deployment.ts';
import { POD_EVENTS, SERVICE_EVENTS } from './guide-lines/events.ts';
import { LIFECYCLE, SCALING_AND_CLONING } from './guide-lines/lifecycle.ts';
import { CO_LOCATION, DISAGGREGATION } from './guide-lines/multi-role.ts';
import { PROTOCOLS } from './guide-lines/protocols.ts';
import { HEALTH_CHECKS, RECOVERY, SHUTDOWN_AND_UPGRADES } from './guide-lines/reliability.ts';
import type { GuideRule } from './guide-lines/rule.ts';
import { SCHEDULING } from './guide-lines/scheduling.ts';
import { SERVICE_SETTINGS } from './guide-lines/service-settings.ts';
import { SECRETS, STORAGE } from './guide-lines/storage.ts';
import { ROUTING, TRAFFIC } from './guide-lines/traffic.ts';

export interface GuideSection {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** The rules that want a test. Those that have none for good are in `left-out.ts`. */
  readonly rules: readonly GuideRule[];
}

/** The sections of the guide that are covered. A line that is in neither list states no rule. */
export const SECTIONS: readonly GuideSection[] = [
  { name: 'Service settings', from: 161, to: 298, rules: SERVICE_SETTINGS },
  { name: 'Deployment parameters', from: 299, to: 481, rules: [...DEPLOYMENT, ...DEPLOYMENT_MANAGEMENT] },
  { name: 'Co-location', from: 482, to: 724, rules: CO_LOCATION },
  { name: 'Disaggregation', from: 725, to: 976, rules: DISAGGREGATION },
  { name: 'Calling', from: 977, to: 1109, rules: CALLING },
  { name: 'Authentication', from: 1110, to: 2246, rules: AUTHENTICATION },
  { name: 'Channels', from: 2247, to: 2747, rules: CHANNELS },
  { name: 'Protocols', from: 2748, to: 3015, rules: PROTOCOLS },
  { name: 'Lifecycle', from: 3016, to: 3344, rules: [...LIFECYCLE, ...SCALING_AND_CLONING] },
  { name: 'Asynchronous calls', from: 3345, to: 3498, rules: ASYNCHRONOUS },
  { name: 'Scheduling', from: 3499, to: 3584, rules: SCHEDULING },
  { name: 'Traffic policies', from: 3585, to: 3667, rules: TRAFFIC },
  { name: 'Storage and secrets', from: 3668, to: 3888, rules: [...STORAGE, ...SECRETS] },
  { name: 'Intelligent routing', from: 3889, to: 3943, rules: ROUTING },
  {
    name: 'Reliability',
    from: 3944,
    to: 4252,
    rules: [...SHUTDOWN_AND_UPGRADES, ...HEALTH_CHECKS, ...RECOVERY],
  },
  { name: 'Events', from: 4359, to: 4516, rules: [...SERVICE_EVENTS, ...POD_EVENTS] },
];

/** The section in which a line lies. */
export function sectionOf(line: number): GuideSection | undefined {
  return SECTIONS.find(({ from, to }) => line >= from && line <= to);
}
