/**
 * What a server that died left half done, finished at the next start. Always true: a machine in the store that no row names is
 * reported and left alone (the database may be the wrong one), and a row whose machine is gone says so instead of vanishing.
 */
import { type Host, HostError } from '../host/types.ts';
import type { PrismaClient } from './database/index.ts';
import { vmRecord, withNames } from './vm-record.ts';
import { specOf } from './vms.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** Brings rows and machines together. */
export async function reconcile(db: PrismaClient, host: Host, log: Log): Promise<void> {
  const rows = await db.vm.findMany({ include: withNames });
  const machines = new Set((await host.list()).map((status) => status.id));
  for (const row of rows) {
    const vm = vmRecord(row);
    if (vm.state === 'DELETING') {
      if (machines.has(vm.id)) await host.remove(vm.id);
      await db.vm.deleteMany({ where: { id: vm.id } });
      log('info', 'finished deleting a VM', { vmId: vm.id });
    } else if (machines.has(vm.id)) {
      if (vm.state === 'BUILD') await db.vm.update({ where: { id: vm.id }, data: { state: 'READY' } });
    } else if (vm.state === 'BUILD' && vm.forkedFrom === null) {
      await host.create(specOf(vm));
      await db.vm.update({ where: { id: vm.id }, data: { state: 'READY' } });
      log('info', 'finished making a VM', { vmId: vm.id });
    } else if (vm.state === 'BUILD') {
      await db.vm.deleteMany({ where: { id: vm.id } });
      log('warn', 'a fork was cut short and is gone', { vmId: vm.id });
    } else if (vm.state === 'READY') {
      await db.vm.update({
        where: { id: vm.id },
        data: {
          state: 'ERROR',
          fault: 'Its disk is not in the store: rebuild it for a new one, or delete it.',
        },
      });
      log('error', 'a VM has no disk in the store', { vmId: vm.id });
    }
  }
  const named = new Set(rows.map((row) => row.id));
  for (const id of machines)
    if (!named.has(id)) log('warn', 'the store has a VM that the database does not know', { vmId: id });
  await dropUnfinishedSnapshots(db, host);
  await db.terminalSession.updateMany({ where: { closedAt: null }, data: { closedAt: new Date() } });
  await db.idempotencyKey.deleteMany({ where: { status: null } });
  await db.apiToken.deleteMany({ where: { expiresAt: { lt: new Date(Date.now() - 7 * 86_400_000) } } });
}

async function dropUnfinishedSnapshots(db: PrismaClient, host: Host): Promise<void> {
  for (const { id, vmId } of await db.snapshot.findMany({ where: { ready: false } })) {
    try {
      await host.removeSnapshot(vmId, id);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
    await db.snapshot.deleteMany({ where: { id } });
  }
}
