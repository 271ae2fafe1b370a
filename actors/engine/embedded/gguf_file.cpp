#include "actors/engine/embedded/gguf_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

static_assert(std::endian::native == std::endian::little, "GGUF files are read as they lie");

namespace tandem::embedded {

namespace {

constexpr std::uint64_t metadata_entries_max = 65'536;
constexpr std::uint64_t tensors_max = 4'096;
constexpr std::uint64_t name_bytes_max = 65'535;
constexpr std::uint64_t alignment_max = 65'536;
constexpr std::uint64_t q8_0_block_values = 32;
constexpr std::uint64_t q8_0_block_bytes = 34;

template <class T>
T load(const std::byte* from) {
  T out;
  std::memcpy(&out, from, sizeof(T));
  return out;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Names from a file go into errors: bounded, and without control characters.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 64)) {
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  }
  return out + (text.size() > 64 ? "...'" : "'");
}

struct unmap {
  std::size_t size;
  void operator()(const void* address) const { ::munmap(const_cast<void*>(address), size); }
};

}  // namespace

/// Walks the header; every step is checked against the bytes that remain.
class gguf_file::reader {
 public:
  reader(std::span<const std::byte> bytes, const gguf_file& file) : bytes_(bytes), file_(&file) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return bytes_.size() - offset_; }

  gguf_error error(const std::string& text) const {
    return file_->error("at byte " + std::to_string(offset_) + ": " + text);
  }

  std::span<const std::byte> take(std::uint64_t size, std::string_view what) {
    if (size > remaining()) {
      throw error("truncated: " + std::string(what) + " takes " + std::to_string(size) +
                  " bytes but only " + std::to_string(remaining()) +
                  " remain; copy the file again");
    }
    const auto out = bytes_.subspan(offset_, size);
    offset_ += size;
    return out;
  }

  template <class T>
  T number(std::string_view what) {
    return load<T>(take(sizeof(T), what).data());
  }

  std::string_view string(std::string_view what) {
    return as_text(take(number<std::uint64_t>(what), what));
  }

  std::string_view name(std::string_view what) {
    const auto out = string(what);
    if (out.empty() || out.size() > name_bytes_max) {
      throw error(std::string(what) + " has " + std::to_string(out.size()) +
                  " bytes; 1 to 65535 are allowed; write the file again");
    }
    return out;
  }

  value_type type(std::string_view key) {
    const auto raw = number<std::uint32_t>("a value type");
    if (raw > static_cast<std::uint32_t>(value_type::f64)) {
      throw error("value type " + std::to_string(raw) + " of " + quoted(key) +
                  " is unknown; write the file as GGUF version 3");
    }
    return static_cast<value_type>(raw);
  }

  value read_value(std::string_view key) {
    value out;
    out.type = type(key);
    if (out.type == value_type::array) {
      out.element = type(key);
      out.count = number<std::uint64_t>("an array length");
      out.bytes = elements(out.element, out.count, key);
    } else if (out.type == value_type::string) {
      out.bytes = take(number<std::uint64_t>("a string length"), "a string value");
    } else {
      out.bytes = take(size_of(out.type), "a metadata value");
    }
    return out;
  }

  static std::uint64_t size_of(value_type type) {
    switch (type) {
      case value_type::u8:
      case value_type::i8:
      case value_type::boolean:
        return 1;
      case value_type::u16:
      case value_type::i16:
        return 2;
      case value_type::u32:
      case value_type::i32:
      case value_type::f32:
        return 4;
      case value_type::string:  // its length at least
      case value_type::u64:
      case value_type::i64:
      case value_type::f64:
        return 8;
      case value_type::array:
        break;
    }
    return 0;
  }

 private:
  std::span<const std::byte> elements(value_type type, std::uint64_t count, std::string_view key) {
    const auto size = size_of(type);
    if (size == 0) {
      throw error("the array " + quoted(key) + " holds arrays; only flat arrays are supported");
    }
    if (count > remaining() / size) {
      throw error("truncated: the array " + quoted(key) + " claims " + std::to_string(count) +
                  " elements but only " + std::to_string(remaining()) +
                  " bytes remain; copy the file again");
    }
    const auto begin = offset_;
    if (type == value_type::string) {
      for (std::uint64_t i = 0; i < count; ++i) string("an array's string");
    } else {
      take(count * size, "an array");
    }
    return bytes_.subspan(begin, offset_ - begin);
  }

  std::span<const std::byte> bytes_;
  const gguf_file* file_;
  std::uint64_t offset_ = 0;
};

gguf_file gguf_file::open(const std::filesystem::path& path) {
  gguf_file out(path.string());
  // O_NONBLOCK: opening a FIFO by mistake must not hang.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw out.error("cannot open: " + std::generic_category().message(errno) +
                    "; check the path and its permissions");
  }
  struct stat info = {};
  const bool regular = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  const auto size = regular ? static_cast<std::size_t>(info.st_size) : 0;
  void* address = MAP_FAILED;
  if (size != 0) address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int map_error = errno;
  ::close(descriptor);
  if (!regular) throw out.error("not a regular file; name a .gguf file");
  if (size == 0) throw out.error("the file is empty; copy it again");
  if (address == MAP_FAILED) {
    throw out.error("cannot map: " + std::generic_category().message(map_error));
  }
  out.mapping_ = std::shared_ptr<const void>(address, unmap{size});
  out.parse_all({static_cast<const std::byte*>(address), size});
  return out;
}

gguf_file gguf_file::parse(std::span<const std::byte> bytes, std::string origin) {
  gguf_file out(std::move(origin));
  out.parse_all(bytes);
  return out;
}

void gguf_file::parse_all(std::span<const std::byte> bytes) {
  reader in(bytes, *this);
  if (as_text(in.take(4, "the magic number")) != "GGUF") {
    throw error("not a GGUF file: it does not begin with 'GGUF'; name a .gguf file");
  }
  const auto version = in.number<std::uint32_t>("the format version");
  if (version != 2 && version != 3) {
    throw in.error("GGUF version " + std::to_string(version) +
                   " is not supported; convert the file to little-endian GGUF version 3");
  }
  const auto tensor_count = in.number<std::uint64_t>("the tensor count");
  const auto metadata_count = in.number<std::uint64_t>("the metadata count");
  if (tensor_count > tensors_max || metadata_count > metadata_entries_max) {
    throw in.error("the file claims " + std::to_string(tensor_count) + " tensors and " +
                   std::to_string(metadata_count) + " metadata entries; at most " +
                   std::to_string(tensors_max) + " and " + std::to_string(metadata_entries_max) +
                   " are allowed; copy the file again");
  }
  read_metadata(in, metadata_count);
  read_tensor_infos(in, tensor_count);
  locate_tensor_data(bytes, in.offset());
}

void gguf_file::read_metadata(reader& in, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto key = in.name("a metadata key");
    if (!metadata_.emplace(key, in.read_value(key)).second) {
      throw in.error("the metadata key " + quoted(key) + " occurs twice; write the file again");
    }
  }
}

void gguf_file::read_tensor_infos(reader& in, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    gguf_tensor tensor;
    tensor.name = in.name("a tensor name");
    tensor.dim_count = in.number<std::uint32_t>("a tensor's number of dimensions");
    if (tensor.dim_count < 1 || tensor.dim_count > tensor.dims.size()) {
      throw in.error("tensor " + quoted(tensor.name) + " has " + std::to_string(tensor.dim_count) +
                     " dimensions; 1 to 4 are allowed; write the file again");
    }
    for (std::uint32_t d = 0; d < tensor.dim_count; ++d) {
      tensor.dims[d] = in.number<std::uint64_t>("a tensor's dimension");
    }
    const auto type = in.number<std::uint32_t>("a tensor's type");
    if (type != 0 && type != 1 && type != 8) {
      throw in.error("tensor " + quoted(tensor.name) + " has type " + std::to_string(type) +
                     "; only f32, f16 and q8_0 are supported; convert the file to one of them");
    }
    tensor.type = static_cast<tensor_type>(type);
    tensor.offset = in.number<std::uint64_t>("a tensor's offset");
    if (!tensors_.emplace(tensor.name, tensor).second) {
      throw in.error("tensor " + quoted(tensor.name) + " occurs twice; write the file again");
    }
  }
}

namespace {

/// Bytes of a tensor, or nothing where a dimension is zero, the row does not fill whole blocks, or
/// the product does not fit in 48 bits.
std::optional<std::uint64_t> tensor_bytes(const gguf_tensor& tensor) {
  constexpr std::uint64_t values_max = std::uint64_t{1} << 48;
  std::uint64_t values = 1;
  for (const auto dim : tensor.dims) {
    if (dim == 0 || dim > values_max / values) return std::nullopt;
    values *= dim;
  }
  switch (tensor.type) {
    case tensor_type::f32:
      return values * 4;
    case tensor_type::f16:
      return values * 2;
    case tensor_type::q8_0:
      break;
  }
  if (tensor.dims[0] % q8_0_block_values != 0) return std::nullopt;
  return values / q8_0_block_values * q8_0_block_bytes;
}

}  // namespace

void gguf_file::locate_tensor_data(std::span<const std::byte> bytes, std::uint64_t header_end) {
  const auto alignment = find_uint("general.alignment").value_or(32);
  if (alignment == 0 || alignment > alignment_max || !std::has_single_bit(alignment)) {
    throw error("general.alignment is " + std::to_string(alignment) +
                "; a power of two up to 65536 is allowed; write the file again");
  }
  const auto data_begin = (header_end + alignment - 1) / alignment * alignment;
  for (auto& [name, tensor] : tensors_) {
    const auto size = tensor_bytes(tensor);
    if (!size) {
      throw error("tensor " + quoted(name) +
                  " has impossible dimensions (zero, too large, or a q8_0 row that is no multiple "
                  "of 32); write the file again");
    }
    if (tensor.offset % alignment != 0) {
      throw error("tensor " + quoted(name) + " begins at offset " + std::to_string(tensor.offset) +
                  ", which is no multiple of the alignment " + std::to_string(alignment) +
                  "; write the file again");
    }
    if (data_begin > bytes.size() || tensor.offset > bytes.size() - data_begin ||
        *size > bytes.size() - data_begin - tensor.offset) {
      throw error("truncated: tensor " + quoted(name) + " begins at offset " +
                  std::to_string(tensor.offset) + " of the data at byte " +
                  std::to_string(data_begin) + " and takes " + std::to_string(*size) +
                  " bytes, but the file has " + std::to_string(bytes.size()) +
                  "; copy the file again");
    }
    tensor.data = bytes.subspan(data_begin + tensor.offset, *size);
  }
}

const gguf_file::value* gguf_file::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

gguf_error gguf_file::error(std::string_view text) const {
  return gguf_error(origin_ + ": " + std::string(text));
}

gguf_error gguf_file::wrong_type(std::string_view key, std::string_view wanted) const {
  return error("the metadata value " + quoted(key) + " is not " + std::string(wanted) +
               "; write the file again");
}

namespace {

/// An integer of `size` bytes, sign-extended where it is signed.
std::int64_t load_int(const std::byte* from, std::uint64_t size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? load<std::int8_t>(from) : load<std::uint8_t>(from);
    case 2:
      return is_signed ? load<std::int16_t>(from) : load<std::uint16_t>(from);
    case 4:
      return is_signed ? load<std::int32_t>(from) : std::int64_t{load<std::uint32_t>(from)};
    default:
      return load<std::int64_t>(from);
  }
}

}  // namespace

std::optional<std::uint64_t> gguf_file::find_uint(std::string_view key) const {
  const auto* found = find(key);
  if (found == nullptr) return std::nullopt;
  switch (found->type) {
    case value_type::f32:
    case value_type::f64:
    case value_type::boolean:
    case value_type::string:
    case value_type::array:
      throw wrong_type(key, "an unsigned number");
    case value_type::u64:
      return load<std::uint64_t>(found->bytes.data());
    default:
      break;
  }
  const bool is_signed = found->type == value_type::i8 || found->type == value_type::i16 ||
                         found->type == value_type::i32 || found->type == value_type::i64;
  const auto number = load_int(found->bytes.data(), found->bytes.size(), is_signed);
  if (number < 0) throw wrong_type(key, "an unsigned number");
  return static_cast<std::uint64_t>(number);
}

std::optional<double> gguf_file::find_float(std::string_view key) const {
  const auto* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (found->type == value_type::f32) return load<float>(found->bytes.data());
  if (found->type == value_type::f64) return load<double>(found->bytes.data());
  throw wrong_type(key, "a floating-point number");
}

std::optional<std::string_view> gguf_file::find_string(std::string_view key) const {
  const auto* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (found->type != value_type::string) throw wrong_type(key, "a string");
  return as_text(found->bytes);
}

std::optional<std::vector<std::string_view>> gguf_file::find_strings(std::string_view key) const {
  const auto* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (found->type != value_type::array || found->element != value_type::string) {
    throw wrong_type(key, "an array of strings");
  }
  std::vector<std::string_view> out;
  out.reserve(found->count);
  reader in(found->bytes, *this);
  for (std::uint64_t i = 0; i < found->count; ++i) out.push_back(in.string("an array's string"));
  return out;
}

std::optional<std::vector<std::int64_t>> gguf_file::find_ints(std::string_view key) const {
  const auto* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (found->type != value_type::array ||
      (found->element != value_type::i32 && found->element != value_type::u32)) {
    throw wrong_type(key, "an array of 32-bit integers");
  }
  std::vector<std::int64_t> out;
  out.reserve(found->count);
  const bool is_signed = found->element == value_type::i32;
  for (std::uint64_t i = 0; i < found->count; ++i) {
    out.push_back(load_int(found->bytes.data() + i * 4, 4, is_signed));
  }
  return out;
}

std::string gguf_file::version() const {
  const auto* found = find("general.version");
  if (found == nullptr) return {};
  if (found->type == value_type::string) return std::string(as_text(found->bytes).substr(0, 128));
  return std::to_string(*find_uint("general.version"));
}

}  // namespace tandem::embedded
