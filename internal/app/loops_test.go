package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALoopWorksAtOnceAtItsIntervalAndWhenWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		wake := make(chan struct{}, 1)
		start := time.Now()
		var runs []time.Duration
		one := loop{name: "test", every: time.Hour, wake: wake, gather: time.Second, once: func(context.Context) error {
			runs = append(runs, time.Since(start))
			return nil
		}}
		ended := make(chan struct{})
		go func() { one.run(ctx, slog.New(slog.DiscardHandler)); close(ended) }()
		time.Sleep(61 * time.Minute) // the bubble's clock
		wake <- struct{}{}
		time.Sleep(time.Minute)
		stop()
		<-ended
		want := []time.Duration{0, time.Hour, 61*time.Minute + time.Second}
		if len(runs) != len(want) || runs[0] != want[0] || runs[1] != want[1] || runs[2] != want[2] {
			t.Errorf("it ran at %v, not at %v", runs, want)
		}
	})
}

func TestALoopGoesOnAfterAFailureAndAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var log strings.Builder
		runs := 0
		one := loop{name: "test", every: time.Hour, once: func(context.Context) error {
			runs++
			if runs == 2 {
				panic("out of order")
			}
			return errors.New("no luck")
		}}
		ended := make(chan struct{})
		go func() { one.run(ctx, slog.New(slog.NewTextHandler(&log, nil))); close(ended) }()
		time.Sleep(150 * time.Minute) // the bubble's clock
		stop()
		<-ended
		if runs != 3 || strings.Count(log.String(), "no luck") != 2 || !strings.Contains(log.String(), "out of order") {
			t.Errorf("%d runs, log:\n%s", runs, &log)
		}
	})
}
