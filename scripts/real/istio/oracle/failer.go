package main

import "fmt"

// failer lets Istio's test environments run outside of tests: a failure is a panic, which [configure] makes an answer.
type failer struct {
	cleanups []func()
}

func (f *failer) Fail()                           { panic("failed") }
func (f *failer) FailNow()                        { panic("failed") }
func (f *failer) Fatal(args ...any)               { panic(fmt.Sprint(args...)) }
func (f *failer) Fatalf(form string, args ...any) { panic(fmt.Sprintf(form, args...)) }
func (f *failer) Log(...any)                      {}
func (f *failer) Logf(string, ...any)             {}
func (f *failer) TempDir() string                 { panic("no folder is given out") }
func (f *failer) Helper()                         {}
func (f *failer) Skip(args ...any)                { panic(fmt.Sprint(args...)) }
func (f *failer) Cleanup(do func())               { f.cleanups = append(f.cleanups, do) }

// close runs what was put off, the last first.
func (f *failer) close() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
}
