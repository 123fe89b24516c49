package main

// Builds from which one check is missing. TestLeaksStillFit holds them against the code as it holds the leaky ones.

const stagesFile, sensitiveFile, houseFile = "processor/stages.go", "processor/sensitive.go", "policy/house.go"

var blind = []leak{
	{what: "the check of minors", edits: []edit{
		{stagesFile, "{name: \"held back\", event: (*Processor).heldBack},", ""}}},
	{what: "the check of places", edits: []edit{
		{stagesFile, "{name: \"sensitive place\", stream: (*Processor).sensitivePlace},", ""}}},
	{what: "the stated accuracy", edits: []edit{
		{sensitiveFile, "p.house.Places.Near(f.lat, f.lon, f.accuracyM)", "p.house.Places.Near(f.lat, f.lon, 0)"}}},
	{what: "what a stream adds to the places", edits: []edit{
		{sensitiveFile, "case f.place == policy.PlaceKnown && s.spec.AlsoNear != 0:", "case false:"}}},
	{what: "the check of topics", edits: []edit{
		{stagesFile, "{name: \"sensitive topic\", stream: (*Processor).sensitiveTopic},", ""}}},
	{what: "the topics of domains", edits: []edit{
		{houseFile, "node, sensitive = house.Topics.Domain(host)", "_ = host"}}},
	{what: "the topics of apps", edits: []edit{
		{houseFile, "node, sensitive = house.Topics.App(v.Raw)", ""}}},
	{what: "the topics of searches", edits: []edit{
		{houseFile, "node, sensitive = house.Topics.Text(v.Raw)", ""}}},
}
