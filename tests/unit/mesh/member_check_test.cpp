#include "actors/mesh/member_check.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/mesh/sayings.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

std::string problem_of(const saying& what) {
  auto member = member_of(what);
  return member_problem(*member.read());
}

TEST(mesh_address, IsHostAndPort) {
  auto found = parse_mesh_address("10.0.0.1:7420");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host, "10.0.0.1");
  EXPECT_EQ(found->port, 7420);
  found = parse_mesh_address("[fd00::1]:65535");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host, "fd00::1");
  EXPECT_EQ(found->port, 65535);
  EXPECT_TRUE(parse_mesh_address("node-1.example_host:1"));
  EXPECT_TRUE(parse_mesh_address("[fe80::1%eth0]:1"));
}

TEST(mesh_address, WhatNobodyCouldConnectToIsRefused) {
  for (const auto* wrong :
       {"", ":", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:+1", "host: 1",
        "host:1 ", "host:1x", "a b:1", "a\n:1", "fd00::1:7420", "[]:1", "[a:1", "a]:1", "a;rm:1"}) {
    auto found = parse_mesh_address(wrong);
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(code_of(found.error()), errc::invalid_argument) << wrong;
  }
  EXPECT_FALSE(parse_mesh_address(std::string(400, 'a') + ":1"));
}

TEST(member_check, ASoundMemberPasses) {
  EXPECT_EQ(problem_of({.name = "Node-1.a_b", .journals = std::vector<std::uint64_t>(256, 1)}), "");
}

TEST(member_check, EachLimitIsNamed) {
  EXPECT_THAT(problem_of({.name = ""}), HasSubstr("name"));
  EXPECT_THAT(problem_of({.name = std::string(65, 'a')}), HasSubstr("name"));
  EXPECT_EQ(problem_of({.name = std::string(64, 'a')}), "");
  for (char c : {'\n', '\x1b', ' ', '/', '"', '@', ':', '\x7f'})
    EXPECT_THAT(problem_of({.name = std::string{"a"} + c}), HasSubstr("name")) << int{c};
  EXPECT_THAT(problem_of({.incarnation = 0}), HasSubstr("incarnation"));
  EXPECT_THAT(problem_of({.address = "nowhere"}), HasSubstr("address"));
  EXPECT_THAT(problem_of({.journals = std::vector<std::uint64_t>(257, 1)}), HasSubstr("journals"));
  EXPECT_THAT(problem_of({.losses = ~std::uint32_t{0}}), HasSubstr("losses"));
}

TEST(member_check, RolesVersionsAndBirthsAreBounded) {
  auto with = [](auto change) {
    message_builder<schema::Member> member;
    write(*member, {});
    change(*member);
    return member_problem(member->asReader());
  };
  EXPECT_THAT(with([](auto member) { member.setVersion("1.0\n"); }), HasSubstr("version"));
  EXPECT_THAT(with([](auto member) { member.setVersion(std::string(65, '1')); }),
              HasSubstr("version"));
  EXPECT_THAT(with([](auto member) { member.initRoles(33); }), HasSubstr("roles"));
  EXPECT_THAT(with([](auto member) { member.initRoles(1).set(0, "no word"); }), HasSubstr("roles"));
  EXPECT_THAT(with([](auto member) { member.initJournalBirthsMs(1); }), HasSubstr("births"));
}

}  // namespace
}  // namespace tandem::testing
