#include "actors/trace/traceparent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/trace/otlp_json.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Traceparent, ReadsTheSpecificationsExamples) {
  auto sampled = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(sampled);
  EXPECT_EQ(*sampled,
            (trace_context{0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0x00f067aa0ba902b7, true}));
  auto not_sampled = parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  ASSERT_TRUE(not_sampled);
  EXPECT_FALSE(not_sampled->sampled);
}

TEST(Traceparent, WhatItWritesItReads) {
  for (const auto& each : {trace_context{1, 2, 3, true}, trace_context{0, 1, ~0ull, false},
                           trace_context{~0ull, 0, 1, true}})
    EXPECT_EQ(parse_traceparent(format_traceparent(each)), each);
  EXPECT_EQ(format_traceparent({0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0xf067aa0ba902b7, true}),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

// After the test suite of w3c/trace-context.
struct traceparent_case {
  const char* why;
  const char* value;
  bool is_taken;
};

class TraceparentTable : public ::testing::TestWithParam<traceparent_case> {};

TEST_P(TraceparentTable, IsTakenOrNot) {
  EXPECT_EQ(parse_traceparent(GetParam().value).has_value(), GetParam().is_taken) << GetParam().why;
}

INSTANTIATE_TEST_SUITE_P(
    W3c, TraceparentTable,
    ::testing::Values(
        traceparent_case{"nothing", "", false},
        traceparent_case{"version ff", "ff-12345678901234567890123456789012-1234567890123456-01",
                         false},
        traceparent_case{"a version to come",
                         "cc-12345678901234567890123456789012-1234567890123456-01", true},
        traceparent_case{"a version to come, with more",
                         "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future",
                         true},
        traceparent_case{"a version to come, without a dash before more",
                         "cc-12345678901234567890123456789012-1234567890123456-01.what", false},
        traceparent_case{"version 00 with more",
                         "00-12345678901234567890123456789012-1234567890123456-01-what", false},
        traceparent_case{"version 00 with a dash at its end",
                         "00-12345678901234567890123456789012-1234567890123456-01-", false},
        traceparent_case{"a version of other letters",
                         ".0-12345678901234567890123456789012-1234567890123456-01", false},
        traceparent_case{"a long version",
                         "000-12345678901234567890123456789012-1234567890123456-01", false},
        traceparent_case{"a short version",
                         "0-12345678901234567890123456789012-1234567890123456-01", false},
        traceparent_case{"a trace of zeros",
                         "00-00000000000000000000000000000000-1234567890123456-01", false},
        traceparent_case{"a trace of other letters",
                         "00-.2345678901234567890123456789012-1234567890123456-01", false},
        traceparent_case{"upper case", "00-ABCDEF78901234567890123456789012-1234567890123456-01",
                         false},
        traceparent_case{"a long trace", "00-123456789012345678901234567890123-1234567890123456-01",
                         false},
        traceparent_case{"a short trace", "00-1234567890123456789012345678901-1234567890123456-01",
                         false},
        traceparent_case{"a span of zeros",
                         "00-12345678901234567890123456789012-0000000000000000-01", false},
        traceparent_case{"a span of other letters",
                         "00-12345678901234567890123456789012-.234567890123456-01", false},
        traceparent_case{"a long span", "00-12345678901234567890123456789012-12345678901234567-01",
                         false},
        traceparent_case{"a short span", "00-12345678901234567890123456789012-123456789012345-01",
                         false},
        traceparent_case{"flags of other letters",
                         "00-12345678901234567890123456789012-1234567890123456-.0", false},
        traceparent_case{"short flags", "00-12345678901234567890123456789012-1234567890123456-1",
                         false},
        traceparent_case{"unknown flags", "00-12345678901234567890123456789012-1234567890123456-ff",
                         true},
        traceparent_case{"a sign", "00-+2345678901234567890123456789012-1234567890123456-01",
                         false},
        traceparent_case{"blanks around",
                         " 00-12345678901234567890123456789012-1234567890123456-01", false},
        traceparent_case{"other separators",
                         "00_12345678901234567890123456789012_1234567890123456_01", false}));

TEST(DerivedSpan, IsTheSameAgainAndAnotherForEachNumber) {
  EXPECT_EQ(derived_span(7, 1), derived_span(7, 1));
  EXPECT_NE(derived_span(7, 1), derived_span(7, 2));
  EXPECT_NE(job_span(1, 2), job_span(2, 1));
  EXPECT_NE(derived_span(0, ~0ull), 0u);
}

TEST(OtlpJson, HasTheShapeThatCollectorsWant) {
  span one;
  one.self = {0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0x10, true};
  one.parent = 0x20;
  one.name = "chat \"small\"";
  one.kind = span_kind::client;
  one.start_ns = 1'800'000'000'000'000'001;
  one.end_ns = 1'800'000'000'000'000'002;
  one.add("gen_ai.request.model", "small-0");
  one.add("gen_ai.usage.input_tokens", std::uint64_t{12});
  one.add("tandem.cost_usd", 0.5);
  one.add("tandem.hedged", true);
  one.add("left.out", "");
  one.events.push_back({"first_token", 1'800'000'000'000'000'001});
  EXPECT_EQ(
      otlp_json({"n1", "0.1.0"}, {&one, 1}),
      R"({"resourceSpans":[{"resource":{"attributes":[)"
      R"({"key":"service.name","value":{"stringValue":"tandem"}},)"
      R"({"key":"service.instance.id","value":{"stringValue":"n1"}},)"
      R"({"key":"service.version","value":{"stringValue":"0.1.0"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"tandem","version":"0.1.0"},"spans":[)"
      R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"0000000000000010",)"
      R"("parentSpanId":"0000000000000020","name":"chat \"small\"","kind":3,)"
      R"("startTimeUnixNano":"1800000000000000001","endTimeUnixNano":"1800000000000000002",)"
      R"("attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"small-0"}},)"
      R"({"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},)"
      R"({"key":"tandem.cost_usd","value":{"doubleValue":0.5}},)"
      R"({"key":"tandem.hedged","value":{"boolValue":true}}],)"
      R"("events":[{"timeUnixNano":"1800000000000000001","name":"first_token"}],"status":{}}]}]}]})");
}

TEST(OtlpJson, ARootHasNoParentAndAFailureIsOne) {
  span one;
  one.self = {1, 2, 3, true};
  one.error = "no engine\n" + std::string(5000, 'x');
  auto json = otlp_json({}, {&one, 1});
  EXPECT_THAT(json, Not(HasSubstr("parentSpanId")));
  EXPECT_THAT(json, HasSubstr(R"("status":{"code":2,"message":"no engine\n)"));
  EXPECT_LT(json.size(), 2000u);
}

}  // namespace
}  // namespace tandem::testing
