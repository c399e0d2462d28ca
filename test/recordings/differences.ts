/**
 * Where a VM differs from the recordings, and why. Keys: section, then the beginning of the command. A difference that is not listed
 * here fails the test, and so does an entry whose command no longer differs.
 */
const PING =
  'the recording guest lacked ping_group_range (INDEX.md, recorder artefacts); system.15 has what students see';
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'system.10-host': {
    'ping -c1 newname; getent': PING,
    'ping -c1 newname': PING,
    'ping -c1 friend': PING,
    'ping -c1 localhost': PING,
    'ping -c2 127.0.0.1': PING,
    'ping -c1 nosuch': PING,
    'ping -c1 10.0.0.9': PING,
    'ping -c1 -W1 8.8.8.8': PING,
    'ip addr': `${PING}; 4.15's loopback addresses have no protocol tag`,
    'echo abc > /proc/sys': 'systemd is not installed in our image, so hostnamectl is not there',
  },
  'system.15-ping': {
    'ip link set lo down':
      'with lo down we have no route to 127/8; Linux keeps the local route and the packets get lost',
    'ping -c1 -W1 127.0.0.1; ip link set lo up': 'the same, and loopback addresses have no protocol tag',
    'mount --bind / /mnt': 'there is one UTS namespace: unshare -u is refused',
  },
};
