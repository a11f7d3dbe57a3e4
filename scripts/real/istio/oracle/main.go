// Command oracle answers, line by line, what Istio's control plane does with some objects: whether its admission takes
// one, and which listeners, routes and clusters it makes of several for a proxy. It needs no cluster: everything is
// Istio's own code, called in this process.
//
// A question is one line of JSON on standard input, the answer one line on standard output, in the same order.
//
// Features of istiod are read from the environment when the process starts; the tests set those under which its
// configuration needs no filter that a stock Envoy does not have.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
)

// question is one line of standard input.
type question struct {
	// Ask is "admission" or "routes".
	Ask string `json:"ask"`
	// Document is the object to admit.
	Document json.RawMessage `json:"document"`
	scene
}

func main() {
	definitions := flag.String("definitions", "", "file with Istio's CustomResourceDefinitions, for admission")
	flag.Parse()
	if err := serve(*definitions); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// answers takes standard output for the answers alone: what istiod logs there goes nowhere.
func answers() (*os.File, error) {
	own, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(own), "answers"), syscall.Dup3(int(nowhere.Fd()), 1, 0)
}

func serve(definitions string) error {
	var door *admission
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	file, err := answers()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	write := json.NewEncoder(out)
	write.SetEscapeHTML(false)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return fmt.Errorf("cannot read a question: %w", err)
		}
		var answer any
		switch asked.Ask {
		case "admission":
			if door == nil {
				made, err := newAdmission(definitions)
				if err != nil {
					return err
				}
				door = made
			}
			answer = door.judge(asked.Document)
		case "routes":
			answer = configure(&asked.scene)
		default:
			return fmt.Errorf("unknown question %q", asked.Ask)
		}
		if err := write.Encode(answer); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}
