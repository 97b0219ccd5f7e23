package main

var drivers = map[string]driver{}

func demoCommand() *command { return &command{name: "demo"} }
func mockCommand() *command { return &command{name: "mock-icq"} }
