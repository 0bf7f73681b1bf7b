package adapter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// How long after its time a handler is given to end by its context.
const grace = 400 * time.Millisecond

// The number of the socket that the process before this one listened at.
const listenerVariable = "KNATIVE_LAMBDA_LISTENER"

// deadlines ends calls that take too long. Nobody can end a goroutine, so the process is replaced by itself: it
// keeps the listening socket, whoever connects meanwhile waits, and the other calls in it are made again.
type deadlines struct {
	each     time.Duration
	listener net.Listener
	stopping atomic.Bool
}

// timeOfACall is endless where nobody says how long a call may take.
func timeOfACall() time.Duration {
	seconds, err := strconv.ParseFloat(os.Getenv("FUNCTION_TIMEOUT_SECONDS"), 64)
	if err != nil || seconds <= 0 || seconds > 1e6 {
		return math.MaxInt64
	}
	return time.Duration(seconds * float64(time.Second))
}

func (d *deadlines) invoke(ctx context.Context, call handler, event cloudevents.Event) outcome {
	limited, cancel := context.WithTimeout(ctx, d.each)
	defer cancel()
	done := make(chan outcome, 1)
	go func() { done <- invoke(limited, call, event) }()
	timer := time.NewTimer(d.each)
	defer timer.Stop()
	select {
	case result := <-done:
		// A handler that heeds its context ends when its time is over, too.
		if !errors.Is(limited.Err(), context.DeadlineExceeded) {
			return result
		}
		done <- result
	case <-timer.C:
	}
	go func() {
		select {
		case <-done:
		case <-time.After(grace):
			d.replace(event.ID())
		}
	}()
	return failed("Timeout", fmt.Sprintf("the function did not answer within its %g s: make it faster, or raise parameters.timeout_seconds", d.each.Seconds()))
}

func (d *deadlines) replace(event string) {
	log(fmt.Sprintf("a call did not end within its %g s: the process is replaced, and the other calls in it are made again", d.each.Seconds()), event, "")
	if d.stopping.Load() {
		os.Exit(0)
	}
	program, err := os.Executable()
	if err == nil {
		err = d.execute(program)
	}
	log("the process could not be replaced", event, err.Error())
	os.Exit(1)
}

func (d *deadlines) execute(program string) error {
	file, err := d.listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	// A copy that is not closed by exec.
	socket, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, append(os.Environ(), fmt.Sprintf("%s=%d", listenerVariable, socket)))
}

func listen(address string) (net.Listener, error) {
	socket, err := strconv.Atoi(os.Getenv(listenerVariable))
	if err != nil {
		return net.Listen("tcp", address)
	}
	_ = os.Unsetenv(listenerVariable)
	file := os.NewFile(uintptr(socket), "listener")
	defer file.Close()
	return net.FileListener(file)
}
