/** The memory that control groups allow, from the files as kernels and containers show them. */
import { expect, test } from 'vitest';
import { memoryLimitBytes } from '../../src/server/control-group.ts';

const group = '/proc/self/cgroup';
const v2 = (path: string) => `/sys/fs/cgroup${path}`;

test.for<[string, Record<string, string>, number | undefined]>([
  ['no control groups', {}, undefined],
  [
    'version 2 without a limit',
    { [group]: '0::/\n', [v2('/memory.max')]: 'max\n', [v2('/memory.high')]: 'max\n' },
    undefined,
  ],
  ['version 2 in a container', { [group]: '0::/\n', [v2('/memory.max')]: '2147483648\n' }, 2_147_483_648],
  [
    'version 2, where a group above allows less',
    {
      [group]: '0::/a/b\n',
      [v2('/a/b/memory.max')]: '4000\n',
      [v2('/a/memory.max')]: '3000\n',
      [v2('/a/b/memory.high')]: 'max',
    },
    3000,
  ],
  [
    'version 2, slowed down before the limit',
    { [group]: '0::/a\n', [v2('/a/memory.max')]: '4000', [v2('/a/memory.high')]: '3500' },
    3500,
  ],
  [
    'version 1 with the path of the machine in a container',
    {
      [group]: '12:cpu,cpuacct:/docker/1\n5:memory:/docker/1\n0::/docker/1\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
    },
    1_073_741_824,
  ],
  [
    'version 1 of a service',
    {
      [group]: '5:hugetlb,memory:/system.slice/x.service\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/system.slice/x.service/memory.limit_in_bytes': '5000\n',
    },
    5000,
  ],
  ['a path with a colon', { [group]: '0::/a:b\n', [v2('/a:b/memory.max')]: '7' }, 7],
])('%s', ([, files, expected]) => {
  expect(memoryLimitBytes((path) => files[path])).toBe(expected);
});
