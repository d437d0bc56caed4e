// SPDX-License-Identifier: LGPL-2.1-or-later
//
// main.go - the scenario in Go, by ugorji's codec: calls by net/rpc with its
// MsgpackSpecRpc, what is told unasked by its decoder. As it comes it writes
// the format's first form, without bin and str 8.
//
// usage: go-client SOCKET claim|release
//
// Runs in: tests/run-clients, which says what has to be printed.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/rpc"
	"os"
	"reflect"

	"github.com/ugorji/go/codec"
)

const (
	long = "tmpfs://a-name-beyond-thirty-one-bytes"
	slow = "tmpfs://slow"
	cid  = "größe-ü"
)

type options map[string]interface{}

var handle codec.MsgpackHandle
var client *rpc.Client

func dial() net.Conn {
	conn, err := net.Dial("unix", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

func say(step string, value interface{}) {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(step, string(text))
}

func try(method string, params ...interface{}) (interface{}, error) {
	var result interface{}
	args := append(codec.MsgpackSpecRpcMultiArgs{}, params...)
	err := client.Call(method, args, &result)
	return result, err
}

func call(method string, params ...interface{}) interface{} {
	result, err := try(method, params...)
	if err != nil {
		log.Fatal(method, ": ", err)
	}
	return result
}

func refusal(method string, params ...interface{}) string {
	_, err := try(method, params...)
	return fmt.Sprint(err)
}

func state(entry interface{}) interface{} {
	return entry.(map[string]interface{})["state"]
}

// Events come on a connection of their own, as net/rpc hears only answers.
func hear() interface{} {
	var answer, note []interface{}
	conn := dial()
	defer conn.Close()
	encoder := codec.NewEncoder(conn, &handle)
	decoder := codec.NewDecoder(conn, &handle)
	encoder.MustEncode([]interface{}{0, 7, "subscribe", []interface{}{}})
	decoder.MustDecode(&answer)
	call("manage", "tmpfs://two", "told")
	decoder.MustDecode(&note)
	return note
}

func flight() {
	done := make(chan *rpc.Call, 4)
	ask := func(method string, params ...interface{}) {
		args := append(codec.MsgpackSpecRpcMultiArgs{}, params...)
		client.Go(method, args, new(interface{}), done)
	}
	var order []string
	var last interface{}
	ask("wait", "slow")
	ask("list")
	ask("status", "plain")
	for len(order) < 4 {
		answered := <-done
		order = append(order, answered.ServiceMethod)
		last = *answered.Reply.(*interface{})
		if answered.ServiceMethod == "status" {
			ask("manage", "tmpfs://key", "key")
		}
	}
	say("order", []interface{}{order, state(last)})
}

func claim() {
	say("hello", call("hello"))
	say("manage", []interface{}{
		call("manage", long, cid, options{"if_absent": true}),
		call("manage", "tmpfs://two", "plain")})
	patience := options{"timeout_ms": float64(20000)}
	say("wait", []interface{}{state(call("wait", cid, patience)),
		state(call("wait", "plain", patience))})
	say("list", call("list", options{"prefix": "größe"}))
	say("status", call("status", cid))
	say("refused", refusal("manage", "tmpfs://two", cid))
	say("unknown", refusal("no_such_thing", 1, "x"))
	say("events", call("events", 0))
	say("event", hear())
	call("manage", slow, "slow")
	flight()
}

func release() {
	var released []interface{}
	for _, id := range []string{cid, "plain", "told", "slow", "key"} {
		released = append(released, call("unmanage", id))
	}
	say("release", released)
	say("gone", state(call("wait", cid, options{"for": "gone"})))
}

func main() {
	handle.MapType = reflect.TypeOf(map[string]interface{}(nil))
	handle.RawToString = true
	client = rpc.NewClientWithCodec(codec.MsgpackSpecRpc.ClientCodec(dial(), &handle))
	if os.Args[2] == "claim" {
		claim()
	} else {
		release()
	}
}
