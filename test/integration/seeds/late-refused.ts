import { ddl, lateFault } from './late-faults.ts';

export default { ddl, workload: { seed: lateFault('refused') } };
