/** AF_NETLINK (man 7 netlink). */
import { Errno } from '../../abi/errno.ts';
import { Af } from '../flags.ts';
import { defineFamily } from '../protocol.ts';

defineFamily({ number: Af.NETLINK, create: () => -Errno.EPROTONOSUPPORT, init() {} });
