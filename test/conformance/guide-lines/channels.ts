import type { GuideRule } from './rule.ts';

/** The networks that a service is called over: the public one, and private connections. */
export const CHANNELS: readonly GuideRule[] = [
  {
    line: 2618,
    aliases: [188, 2616, 2683, 2693, 2703],
    rule: 'a private connection reaches the service, with or without the public network',
  },
  { line: 2649, rule: 'a service has one private connection for each VPC' },
  { line: 2649, rule: 'a VPC is chosen by the account that owns it alone' },
  { line: 2650, rule: 'a service has one private connection for each resource pool network' },
  { line: 2654, rule: 'a private connection is applied for while the service runs' },
  {
    line: 2671,
    aliases: [2675, 2691, 2697],
    rule: 'an application that is approved gets connected and has an access address',
  },
  {
    line: 2671,
    aliases: [248, 3384],
    rule: 'applications of third parties are approved by themselves when the service says so',
  },
  { line: 2673, rule: 'a connection that fails says "Connection failed. Try again" and can be retried' },
  { line: 2681, aliases: [2682, 2684], rule: 'a private connection comes from a VPC or from a resource pool' },
  { line: 2682, rule: 'a private connection from a VPC names one of its subnets' },
  { line: 2687, rule: 'a private connection has at most 10 custom URLs' },
  { line: 2687, rule: 'a call to a custom URL, of any path, comes in over its private connection' },
  { line: 2732, rule: 'a private connection that is deleted leads nowhere' },
  { line: 2738, aliases: [2741, 3048], rule: 'an application of a third party waits until it is approved or rejected' },
  { line: 2743, aliases: [2746], rule: 'a private connection whose authorization is revoked is closed' },
];
