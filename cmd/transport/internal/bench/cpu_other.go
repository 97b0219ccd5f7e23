//go:build !linux

package bench

import (
	"errors"
	"time"
)

func cpuTime(int) (time.Duration, error) {
	return 0, errors.New("this benchmark needs Linux")
}
