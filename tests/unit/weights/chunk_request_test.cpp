#include <gtest/gtest.h>

#include "actors/weights/chunk_request.hpp"

namespace tandem {
namespace {

const std::string hash(64, 'a');

chunk_request read_lines(const std::string& first_line,
                         const std::string& headers = "Host: n\r\n") {
  return read_chunk_request(first_line + "\r\n" + headers + "\r\n");
}

chunk_request get(const std::string& target, const std::string& headers = "") {
  return read_lines("GET " + target + " HTTP/1.1", "Host: n\r\n" + headers);
}

TEST(ChunkRequest, ReadsWhatNodesAskFor) {
  auto manifest = get("/v1/manifests/" + hash);
  EXPECT_EQ(manifest.refused, 0u);
  EXPECT_EQ(manifest.what, chunk_request::kind::manifest);
  EXPECT_EQ(to_hex(manifest.hash), hash);
  EXPECT_TRUE(manifest.keep_alive);
  auto file = get("/v1/files/" + hash + "/12", "Range: bytes=100-2147483648\r\n");
  EXPECT_EQ(file.refused, 0u);
  EXPECT_EQ(file.number, 12u);
  EXPECT_TRUE(file.has_range);
  EXPECT_EQ(file.first, 100u);
  EXPECT_EQ(file.last, 2147483648u);
  auto delta = get("/v1/deltas/" + std::string(64, 'b') + "/" + hash + "/7");
  EXPECT_EQ(delta.refused, 0u);
  EXPECT_EQ(to_hex(delta.base), std::string(64, 'b'));
  EXPECT_EQ(delta.number, 7u);
}

TEST(ChunkRequest, AnythingThatIsNoAddressOfOursIsNotFound) {
  for (const std::string target :
       {"/", "/v1", "/v1/manifests/", "/v1/manifests/../../etc/passwd", "/v1/manifests/%2e%2e",
        "/v2/manifests/", "/etc/passwd", "*", "https://elsewhere/v1/manifests/"})
    EXPECT_NE(get(target).refused, 0u) << target;
  for (const std::string rest : {"", "/", "/-1", "/+1", "/1/", "/1/2", "/0x1", "/1?x", "/1#x",
                                 "/99999999999999999999999", "/../1", "/ "})
    EXPECT_NE(get("/v1/files/" + hash + rest).refused, 0u) << rest;
  EXPECT_EQ(get("/v1/manifests/" + std::string(64, 'A')).refused, 404u);
  EXPECT_EQ(get("/v1/manifests/" + std::string(63, 'a')).refused, 404u);
  EXPECT_EQ(get("/v1/manifests/" + hash + "a").refused, 404u);
}

TEST(ChunkRequest, RangesAreOneFirstAndOneLastByte) {
  for (const std::string range : {"bytes=0-", "bytes=-5", "bytes=5-4", "bytes=0-1,3-4", "bytes=a-b",
                                  "bytes= 0-1", "0-1", "chunks=0-1", "bytes=0-18446744073709551616",
                                  "bytes=+0-1", "bytes=0--1", "bytes=0-1 x", "bytes", ""}) {
    auto request = get("/v1/files/" + hash + "/0", "Range: " + range + "\r\n");
    EXPECT_FALSE(request.has_range) << range;
  }
  EXPECT_EQ(get("/v1/files/" + hash + "/0", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n").refused,
            400u);
}

TEST(ChunkRequest, OtherMethodsAreRefused) {
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"})
    EXPECT_EQ(read_lines(method + " /v1/manifests/" + hash + " HTTP/1.1").refused, 405u) << method;
  EXPECT_TRUE(read_lines("HEAD /v1/manifests/" + hash + " HTTP/1.1").head_only);
}

TEST(ChunkRequest, WhatTwoReadersCouldTakeForDifferentRequestsIsRefused) {
  const auto target = "/v1/manifests/" + hash;
  for (const std::string headers :
       {"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n",
        "transfer-encoding: gzip, chunked\r\n", "Content-Length: 5\r\n", "Content-Length: 00\r\n",
        "Content-Length: -0\r\n", "Content-Length: 0, 0\r\n", "Content-Length:\r\n",
        "Content-Length: 0\r\nContent-Length: 0\r\n", "Host: n\r\n", "Host: other\r\n",
        "X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X: a\nY: b\r\n", "X: a\rY: b\r\n", "X : a\r\n",
        ": a\r\n", "no colon\r\n"})
    EXPECT_EQ(get(target, headers).refused, 400u) << headers;
  EXPECT_EQ(get(target, std::string{"X: a\0b\r\n", 8}).refused, 400u);
  EXPECT_EQ(get(target, "Content-Length: 0\r\n").refused, 0u);
  EXPECT_EQ(read_lines("GET " + target + " HTTP/1.1", "").refused, 400u) << "no Host";
  EXPECT_EQ(read_lines("GET " + target + " HTTP/1.0", "").refused, 0u);
  EXPECT_FALSE(read_lines("GET " + target + " HTTP/1.0", "").keep_alive);
  EXPECT_EQ(read_lines(" GET " + target + " HTTP/1.1").refused, 400u);
  for (const std::string version : {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 x", ""})
    EXPECT_EQ(read_lines("GET " + target + " " + version).refused, 400u) << version;
}

TEST(ChunkRequest, EveryShorterPartOfARequestIsRefusedWithoutHarm) {
  const auto whole = "GET /v1/files/" + hash + "/0 HTTP/1.1\r\nHost: n\r\nRange: bytes=0-1\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(read_chunk_request(whole.substr(0, size)).refused, 0u) << size;
  EXPECT_EQ(read_chunk_request(whole).refused, 0u);
}

}  // namespace
}  // namespace tandem
