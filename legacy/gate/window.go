package gate

import (
	"slices"
	"time"
)

// window limits how many connections are in one phase at the same time. It learns like the
// congestion window of TCP: it grows by one for each windowful of successes, and is halved when
// the server shows that it was too much. The gate's mutex guards it.
type window struct {
	width       float64       // at once
	least, most float64       // limits of width
	slack       time.Duration // a phase that takes this much longer than usual is slow
	rate        float64       // phases a second that are enough: then width does not grow; 0 for none

	usual    time.Duration // of a phase, nearly the shortest; 0 if unknown
	narrowed time.Time     // last time
	inside   int
	queue    []chan struct{} // waiting, in order; closed when admitted
}

const (
	calm   = time.Minute     // without growth, after narrowing
	forget = 5 * time.Minute // after so long without trouble, width doubles
)

// enter takes a place, or returns a channel that is closed once there is one.
func (w *window) enter(now time.Time) <-chan struct{} {
	for ; w.width < w.most && !w.narrowed.IsZero() && now.Sub(w.narrowed) >= forget; w.narrowed = w.narrowed.Add(forget) {
		w.width = min(2*w.width, w.most)
	}
	if len(w.queue) == 0 && w.inside < int(w.width) {
		w.inside++
		return nil
	}
	admitted := make(chan struct{})
	w.queue = append(w.queue, admitted)
	return admitted
}

// leave gives a place back.
func (w *window) leave() {
	w.inside--
	for len(w.queue) > 0 && w.inside < int(w.width) {
		close(w.queue[0])
		w.queue = slices.Delete(w.queue, 0, 1)
		w.inside++
	}
}

// giveUp ends the wait for a place that may have been granted meanwhile.
func (w *window) giveUp(admitted <-chan struct{}) {
	if at := w.at(admitted); at >= 0 {
		w.queue = slices.Delete(w.queue, at, at+1)
		return
	}
	w.leave()
}

func (w *window) at(admitted <-chan struct{}) int {
	return slices.IndexFunc(w.queue, func(c chan struct{}) bool { return c == admitted })
}

// estimate returns how long a connection in the queue has to wait.
func (w *window) estimate(admitted <-chan struct{}) time.Duration {
	return time.Duration(float64(w.at(admitted)+1) / w.width * float64(w.usual))
}

// learn draws the conclusion from a phase that began at a time. It is called before leave.
func (w *window) learn(outcome Outcome, began time.Time, took time.Duration, now time.Time) {
	slow := outcome == Good && w.usual > 0 && took > 4*w.usual+w.slack
	if outcome == Good {
		if w.usual == 0 || took < w.usual {
			w.usual = max(took, 1)
		} else {
			w.usual += (took - w.usual) / 16
		}
	}
	switch {
	case outcome == Throttled:
		w.width, w.narrowed = 1, now
	case outcome == Refused || slow:
		// Those that began before the last narrowing say nothing about it. One that was alone
		// says nothing about too many.
		if w.inside > 1 && !began.Before(w.narrowed) {
			w.width, w.narrowed = min(w.width, max(w.least, float64(w.inside/2))), now
		}
	case outcome == Good && now.Sub(w.narrowed) >= calm && float64(w.inside) > w.width/2:
		if w.rate == 0 || took.Seconds()*w.rate > w.width {
			w.width = min(w.width+1/w.width, w.most)
		}
	}
}
