package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of a process so far. (clock_getcpuclockid(3))
func cpuTime(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED: user and system time
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid)<<3|sched, &t)
	return time.Duration(t.Nano()), err
}
