import { withPeersOf } from '../with-peers-of.mjs';

export default withPeersOf('oldest');
