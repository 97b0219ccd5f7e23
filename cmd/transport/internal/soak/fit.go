package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// point is one sample of a measure.
type point struct {
	at    time.Duration // since the start of the run
	value float64
}

// trend is the straight line through samples.
type trend struct {
	from, to time.Duration
	level    float64 // mean of the samples
	growth   float64 // of the line, from its beginning to its end
	noise    float64 // standard deviation of the samples from the line
}

// The growth that a run without leaks may have: sigmas standard deviations of the noise, or
// this share of the level.
const (
	sigmas = 2
	share  = 0.02
)

// fit fits a line to samples by least squares. Fewer than three have no trend.
func fit(points []point) trend {
	n := float64(len(points))
	if n < 3 {
		return trend{}
	}
	t := trend{from: points[0].at, to: points[len(points)-1].at}
	var x float64
	for _, p := range points {
		x += p.at.Seconds() / n
		t.level += p.value / n
	}
	var xx, xy float64
	for _, p := range points {
		d := p.at.Seconds() - x
		xx += d * d
		xy += d * (p.value - t.level)
	}
	slope := xy / xx
	for _, p := range points {
		d := p.value - t.level - slope*(p.at.Seconds()-x)
		t.noise += d * d / (n - 2)
	}
	t.noise = math.Sqrt(t.noise)
	t.growth = slope * (t.to - t.from).Seconds()
	return t
}

// allowed returns the growth that counts as noise.
func (t trend) allowed() float64 { return max(sigmas*t.noise, share*t.level) }

// leaks reports whether the samples grow by more than noise.
func (t trend) leaks() bool { return t.growth > t.allowed() }

// after returns the samples from a time on.
func after(points []point, from time.Duration) []point {
	for i, p := range points {
		if p.at >= from {
			return points[i:]
		}
	}
	return nil
}

// plot draws samples over time as text, width columns of height lines. A "|" ends the warm-up.
func plot(points []point, warm time.Duration, width, height int) string {
	if len(points) < 2 {
		return ""
	}
	most, end := 0.0, points[len(points)-1].at
	for _, p := range points {
		most = max(most, p.value)
	}
	cells := make([][]byte, height)
	for i := range cells {
		cells[i] = []byte(strings.Repeat(" ", width))
		if end > 0 {
			cells[i][min(width-1, int(int64(warm)*int64(width)/int64(end)))] = '|'
		}
	}
	for _, p := range points {
		column := min(width-1, int(int64(p.at)*int64(width)/max(1, int64(end))))
		row := min(height-1, int(p.value/max(most, 1)*float64(height)))
		cells[height-1-row][column] = '*'
	}
	var b strings.Builder
	for i, line := range cells {
		scale := ""
		switch i {
		case 0:
			scale = fmt.Sprintf("%.0f", most)
		case height - 1:
			scale = "0"
		}
		fmt.Fprintf(&b, "%10s %s\n", scale, strings.TrimRight(string(line), " "))
	}
	fmt.Fprintf(&b, "%10s %-*s%s\n", "", width-8, "0", end.Round(time.Second))
	return b.String()
}
