//go:build profile && unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// A build with "-tags profile" is for "make profile" only. SIGUSR1 begins a CPU profile,
// cpu.pprof in the working directory; SIGUSR2 ends it and writes heap.pprof. The build
// without the tag has neither this code nor a way to switch it on.
func init() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() { // it lives as long as the process
		for {
			<-signals
			fatal(profile(signals))
		}
	}()
}

func fatal(err error) {
	if err != nil {
		os.Stderr.WriteString("profile: " + err.Error() + "\n")
		os.Exit(exitFailure)
	}
}

// profile takes a profile until the next signal.
func profile(end <-chan os.Signal) error {
	cpu, err := create("cpu.pprof")
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	<-end
	pprof.StopCPUProfile()
	runtime.GC() // a heap profile is of the last collection
	heap, err := create("heap.part")
	if err != nil {
		return err
	}
	err = errors.Join(pprof.WriteHeapProfile(heap), heap.Close(), cpu.Close())
	if err != nil {
		return err
	}
	return os.Rename("heap.part", "heap.pprof") // now both are complete
}

func create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
}
