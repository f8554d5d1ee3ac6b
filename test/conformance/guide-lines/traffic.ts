import type { GuideRule } from './rule.ts';

/** How deployments share the requests of their service. */
export const TRAFFIC: readonly GuideRule[] = [
  { line: 3592, aliases: [3644], rule: 'a weight is a whole number, at most 100' },
  {
    line: 3593,
    aliases: [3588, 3603, 3605, 3606, 3644],
    rule: 'the shares of requests converge to the ratio of the weights',
  },
  { line: 3594, aliases: [3605, 3644], rule: 'when all weights are 0 the deployments that run share evenly' },
  { line: 3595, aliases: [3604, 3643], rule: 'of any ten live requests in a row a mirror gets a copy of exactly one' },
  { line: 3600, rule: 'a gray release shifts traffic by weights and back, and no request is lost' },
  { line: 3604, aliases: [3595, 3643], rule: 'a mirror changes nothing about live replies, neither bytes nor times' },
  { line: 3609, rule: 'a deployment whose weight is set to 0 gets nothing more, and the stable one everything' },
  { line: 3610, rule: 'a deployment that is mirrored needs no weight' },
  { line: 3614, aliases: [3383, 3643], rule: 'asynchronous calls are not mirrored' },
  { line: 3624, aliases: [3647], rule: 'the actual share follows from the weights and from who runs' },
  { line: 3643, rule: 'mirroring requires HTTP or HTTPS' },
  {
    line: 3643,
    aliases: [3644],
    rule: 'a mirror gets no live request, and who gets them is the same as without it',
  },
  { line: 3644, rule: 'a service keeps at least one deployment that gets live requests' },
];

/** How a deployment spreads its requests over its instances. */
export const ROUTING: readonly GuideRule[] = [
  { line: 3910, aliases: [458, 701, 952], rule: 'intelligent routing is for dedicated pools only' },
  { line: 3911, rule: 'a deployment has one routing policy' },
  { line: 3912, rule: 'requests go to instances that run and are healthy only' },
  { line: 3922, aliases: [458, 701, 952], rule: 'there are six policies of intelligent routing' },
  {
    line: 3927,
    aliases: [3896],
    rule: 'round robin gives each instance its turn: no two differ by more than one request',
  },
  {
    line: 3930,
    aliases: [3900],
    rule: 'requests of one client go to one instance, whatever other clients send',
  },
  { line: 3930, aliases: [3900], rule: 'a client keeps its instance while others come and go' },
  { line: 3933, rule: 'least connections never picks a busier instance' },
  { line: 3936, aliases: [3898], rule: 'minimum TTFT picks the instance with the lowest average' },
  { line: 3939, aliases: [3905], rule: 'overall load never picks an instance that another one beats in every figure' },
  { line: 3939, rule: 'overall load needs the protocol and the port of a metric API' },
  { line: 3939, rule: 'the port of a metric API is 1,024 to 65,535' },
  { line: 3942, rule: 'a service level is 0 to 3, and 0 is the highest' },
  { line: 3942, rule: 'SLO priority goes where the fewest are served before it' },
  {
    line: 3942,
    aliases: [3902],
    rule: 'under SLO priority a higher level is served before lower ones that came first',
  },
];
