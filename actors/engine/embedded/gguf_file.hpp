// A GGUF file (version 2 or 3, little-endian) with model weights: header, metadata and tensor
// infos.
//
// Everything in the file may be hostile. Parsing reads each byte of the header once, allocates at
// most one small record per metadata entry or tensor (65,536 and 4,096 at most), and checks every
// count, length, type, dimension and offset against the bytes that are really there. Tensor types:
// f32, f16 and q8_0. Arrays of arrays are refused.
//
// Ownership: the file stays mapped read-only, and all views handed out stay valid, as long as the
// gguf_file lives (moving it keeps them valid). Replace a weights file by rename: one that is
// shortened in place while it is mapped ends the process with SIGBUS, as with any mapped file.
//
// Errors: gguf_error with the file, the byte offset where there is one, what is wrong and how to
// mend it. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::embedded {

/// Thrown by the functions that load weights, and only by those.
class gguf_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class tensor_type : std::uint32_t { f32 = 0, f16 = 1, q8_0 = 8 };

/// One tensor. dims[0] is the length of a row (contiguous); unused dims are 1.
struct gguf_tensor {
  std::string_view name;
  tensor_type type = tensor_type::f32;
  std::uint32_t dim_count = 0;
  std::array<std::uint64_t, 4> dims = {1, 1, 1, 1};
  std::uint64_t offset = 0;  // relative to the start of the tensor data
  std::span<const std::byte> data;
};

class gguf_file {
 public:
  /// Maps and parses a regular file.
  static gguf_file open(const std::filesystem::path& path);

  /// Parses bytes that the caller keeps alive; `origin` names them in errors.
  static gguf_file parse(std::span<const std::byte> bytes, std::string origin);

  const std::string& origin() const { return origin_; }

  /// Metadata by key. Absent: an empty optional. Present with another type, or negative where an
  /// unsigned number is asked for: gguf_error.
  std::optional<std::uint64_t> find_uint(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_ints(std::string_view key) const;

  /// `general.version`, written as a string or as a number; empty when absent.
  std::string version() const;

  const std::map<std::string_view, gguf_tensor>& tensors() const { return tensors_; }

  /// An error about this file, for those who check its meaning: "<origin>: <text>".
  gguf_error error(std::string_view text) const;

 private:
  enum class value_type : std::uint32_t {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    f32,
    boolean,
    string,
    array,
    u64,
    i64,
    f64  // clang-format off
  };  // clang-format on

  /// A metadata value as it lies in the file: for an array the bytes of all elements.
  struct value {
    value_type type = value_type::u8;
    value_type element = value_type::u8;
    std::uint64_t count = 1;
    std::span<const std::byte> bytes;
  };

  class reader;

  explicit gguf_file(std::string origin) : origin_(std::move(origin)) {}
  void parse_all(std::span<const std::byte> bytes);
  void read_metadata(reader& in, std::uint64_t count);
  void read_tensor_infos(reader& in, std::uint64_t count);
  void locate_tensor_data(std::span<const std::byte> bytes, std::uint64_t header_end);
  const value* find(std::string_view key) const;
  gguf_error wrong_type(std::string_view key, std::string_view wanted) const;

  std::string origin_;
  std::shared_ptr<const void> mapping_;
  std::map<std::string_view, value> metadata_;
  std::map<std::string_view, gguf_tensor> tensors_;
};

}  // namespace tandem::embedded
