package oscar

import "slices"

// turns is the queue of a lane. It serves packets without a target first, and then each
// target in turn, so that many messages to one peer do not delay those to another. The
// packets of one target keep their order.
type turns struct {
	control []*packet
	targets []string // with queued packets, the next one first
	queues  map[string][]*packet
	size    int
}

// push appends a packet to the queue of its target.
func (t *turns) push(p *packet) {
	t.size++
	if p.target == "" {
		t.control = append(t.control, p)
		return
	}
	if len(t.queues[p.target]) == 0 {
		t.targets = append(t.targets, p.target)
	}
	t.set(p.target, append(t.queues[p.target], p))
}

// unpop puts a packet back to the head of the queue: it is the next of its kind.
func (t *turns) unpop(p *packet) {
	t.size++
	if p.target == "" {
		t.control = slices.Insert(t.control, 0, p)
		return
	}
	if i := slices.Index(t.targets, p.target); i >= 0 {
		t.targets = slices.Delete(t.targets, i, i+1)
	}
	t.targets = slices.Insert(t.targets, 0, p.target)
	t.set(p.target, slices.Insert(t.queues[p.target], 0, p))
}

// pop removes the next packet. The queue must not be empty.
func (t *turns) pop() *packet {
	t.size--
	if len(t.control) > 0 {
		p := t.control[0]
		t.control[0] = nil
		t.control = t.control[1:]
		return p
	}
	target := t.targets[0]
	q := t.queues[target]
	p := q[0]
	q[0] = nil
	t.targets = t.targets[1:]
	if len(q) > 1 {
		t.targets = append(t.targets, target)
		t.set(target, q[1:])
	} else {
		delete(t.queues, target)
	}
	return p
}

// ahead returns the number of packets that are sent before the last one of a target and
// including it.
func (t *turns) ahead(target string) int {
	n, own := len(t.control), len(t.queues[target])
	for other, q := range t.queues {
		switch {
		case other == target:
			n += own
		case slices.Index(t.targets, other) < slices.Index(t.targets, target):
			n += min(len(q), own)
		default:
			n += min(len(q), own-1)
		}
	}
	return n
}

func (t *turns) set(target string, q []*packet) {
	if t.queues == nil {
		t.queues = make(map[string][]*packet)
	}
	t.queues[target] = q
}
