#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "actors/weights/chunk_request.hpp"
#include "actors/weights/manifest_cache.hpp"
#include "actors/weights/upload_gate.hpp"

namespace tandem {

/// What all connections of a chunk_server share.
struct chunk_service {
  std::shared_ptr<version_store> store;
  manifest_cache manifests;
  upload_gate gate;
  std::atomic<std::uint64_t> bytes_sent{0};
  std::atomic<std::size_t> sessions{0};

  chunk_service(std::shared_ptr<version_store> versions, boost::asio::io_context& io,
                std::uint64_t bytes_per_s)
      : store{versions}, manifests{versions}, gate{io, bytes_per_s} {}
};

/// One connection of a chunk_server: handshake, requests one after the other, one chunk in memory.
/// Lives as long as something of it is under way.
class chunk_session : public std::enable_shared_from_this<chunk_session> {
 public:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;

  chunk_session(tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
                std::shared_ptr<chunk_service> service);
  ~chunk_session();
  chunk_session(const chunk_session&) = delete;
  chunk_session& operator=(const chunk_session&) = delete;

  void start();

 private:
  void handshake();
  void read_head();
  void answer(const chunk_request& request);
  void answer_manifest(const chunk_request& request);
  void answer_file(const chunk_request& request);
  void answer_delta(const chunk_request& request);
  void refuse(unsigned status, std::string_view more = {});
  void send_head(unsigned status, std::uint64_t length, std::string_view more);
  void next_piece();
  void write_slice();
  void sent(std::size_t bytes, bool is_body);
  void finish_answer();
  void close();
  void touch(std::chrono::seconds limit);
  void watch();

  std::shared_ptr<boost::asio::ssl::context> tls_;
  boost::asio::ssl::stream<tcp::socket> stream_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point deadline_;
  std::shared_ptr<chunk_service> service_;

  std::string in_;
  std::string head_;
  bool keep_alive_ = false;
  bool head_only_ = false;

  /// Of the body under way: the chunk or difference here, the part of it that is not sent yet, and
  /// what follows.
  std::vector<std::uint8_t> piece_;
  std::shared_ptr<const manifest_cache::entry> version_;
  std::string_view left_;
  std::size_t chunk_ = 0;
  std::uint64_t to_come_ = 0;
};

}  // namespace tandem
