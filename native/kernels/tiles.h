// Iteration spaces cut into tiles, over which every operand is one contiguous run: in place where it
// lies so, otherwise by way of a buffer. Elementwise records and groups of them walk their tiles here.
// Included inside namespace COTANGENT_NS.
#pragma once

/// The most elements of a tile that passes through buffers: five of eight bytes take 20 KB, which
/// stays in the L1 cache.
constexpr int64_t kTile = abi::TILE;
/// Columns of a tile when some operand is transposed: two cache lines' worth in the other direction.
constexpr int64_t kTransposedColumns = 16;
/// Rows shorter than this are put together into tiles.
constexpr int64_t kShortRow = 128;

/// A rectangle of items; strides in items.
struct Rectangle {
  char* at;
  int64_t rowStride, columnStride;
};

template <class T>
inline void moveItems(Rectangle to, Rectangle from, int64_t rows, int64_t columns) {
  T* t = reinterpret_cast<T*>(to.at);
  const T* f = reinterpret_cast<const T*>(from.at);
  const bool lines = to.columnStride == 1 && from.columnStride == 1;
  // A transposed source is read along its lines, and written across.
  const bool across = from.rowStride == 1 && from.columnStride != 1 && rows > 1;
  if (across) {
    for (int64_t j = 0; j < columns; j++) {
      const T* line = f + j * from.columnStride;
      for (int64_t i = 0; i < rows; i++) t[i * to.rowStride + j * to.columnStride] = line[i];
    }
    return;
  }
  for (int64_t i = 0; i < rows; i++, t += to.rowStride, f += from.rowStride) {
    if (lines && columns * sizeof(T) >= 64) {
      memcpy(t, f, static_cast<size_t>(columns) * sizeof(T));
    } else if (lines) {
      for (int64_t j = 0; j < columns; j++) t[j] = f[j];
    } else if (from.columnStride == 0) {
      const T value = *f;
      for (int64_t j = 0; j < columns; j++) t[j * to.columnStride] = value;
    } else {
      for (int64_t j = 0; j < columns; j++) t[j * to.columnStride] = f[j * from.columnStride];
    }
  }
}

/// Copies items of `bytes` bytes.
inline void moveItems(int bytes, Rectangle to, Rectangle from, int64_t rows, int64_t columns) {
  if (bytes == 4)
    moveItems<uint32_t>(to, from, rows, columns);
  else if (bytes == 8)
    moveItems<uint64_t>(to, from, rows, columns);
  else
    moveItems<uint8_t>(to, from, rows, columns);
}

/// A part of the plane of the last two dimensions, at one place of those before.
struct Tile {
  /// The operands' offsets of the plane, in elements.
  const int64_t* plane;
  int64_t row, column, height, width;
  int64_t size() const { return height * width; }
};

/// The tiles of a record of up to N operands.
template <int N>
struct Tiles {
  const Record& r;
  int operands, outerDims;
  int64_t rows = 1, columns;
  int64_t tileRows = 1, tileColumns;
  int64_t tilesDown, tilesAcross;
  char* base[N];
  int bytes[N];
  int64_t rowStride[N], columnStride[N];

  /// `longestRun` elements at most where every operand is contiguous. The operands in the bit set `apart`
  /// have no say in how tiles are cut.
  Tiles(const Record& r, int64_t longestRun, uint32_t apart = 0)
      : r(r), operands(r.operands), outerDims(most(r.rank - 2, 0)), columns(r.inner()) {
    if (r.rank > 1) rows = r.shape[r.rank - 2];
    bool contiguous = true, transposed = false;
    for (int k = 0; k < operands; k++) {
      base[k] = r.address(k);
      bytes[k] = abi::ITEM_BYTES[r.dtype(k)];
      columnStride[k] = columns > 1 ? r.innerStride(k) : 1;
      rowStride[k] = rows > 1 ? r.strides(k)[r.rank - 2] : columns;
      if (apart >> k & 1) continue;
      contiguous = contiguous && columnStride[k] == 1;
      transposed = transposed || (rowStride[k] == 1 && columnStride[k] > 1);
    }
    if (contiguous && columns >= kShortRow) {
      tileColumns = least(columns, longestRun);
    } else {
      tileColumns = least(columns, transposed ? kTransposedColumns : kTile);
      tileRows = least(rows, kTile / tileColumns);
    }
    tilesDown = ceilDiv(rows, tileRows);
    tilesAcross = ceilDiv(columns, tileColumns);
  }

  int64_t bands() const { return r.count(outerDims) * tilesDown; }
  int64_t count() const { return bands() * tilesAcross; }

  /// Calls `f(tile)` for tiles `begin` to `end` of those `across` tiles wide from tile column `first` on.
  template <class F>
  void each(int64_t begin, int64_t end, int64_t first, int64_t across, F f) const {
    const auto visit = [&](const int64_t* plane, int64_t from, int64_t to) {
      for (int64_t tile = from; tile < to; tile++) {
        const int64_t i = tile / across * tileRows, j = (first + tile % across) * tileColumns;
        f(Tile{plane, i, j, least(tileRows, rows - i), least(tileColumns, columns - j)});
      }
    };
    if (outerDims == 0) return visit(kOrigin, begin, end);
    const int64_t perPlane = tilesDown * across;
    Odometer<N> at(r, outerDims);
    at.seek(begin / perPlane);
    for (int64_t plane = begin / perPlane * perPlane; plane < end; plane += perPlane, at.next())
      visit(at.offset, most(begin - plane, int64_t{0}), least(end - plane, perPlane));
  }
  template <class F>
  void each(int64_t begin, int64_t end, F f) const {
    each(begin, end, 0, tilesAcross, f);
  }

  /// Calls `f(tile)` for the tiles of rows `top` to `bottom` and columns `left` to `right` of one plane.
  template <class F>
  void eachIn(int64_t plane, int64_t top, int64_t bottom, int64_t left, int64_t right, F f) const {
    const auto visit = [&](const int64_t* offsets) {
      for (int64_t i = top; i < bottom; i += tileRows) {
        for (int64_t j = left; j < right; j += tileColumns)
          f(Tile{offsets, i, j, least(tileRows, bottom - i), least(tileColumns, right - j)});
      }
    };
    if (outerDims == 0) return visit(kOrigin);
    Odometer<N> at(r, outerDims);
    at.seek(plane);
    visit(at.offset);
  }

  Rectangle rectangle(int k, const Tile& tile) const {
    const int64_t offset = tile.plane[k] + tile.row * rowStride[k] + tile.column * columnStride[k];
    return {base[k] + offset * bytes[k], rowStride[k], columnStride[k]};
  }
  bool isDense(int k, const Tile& tile) const {
    return columnStride[k] == 1 && (tile.height == 1 || rowStride[k] == tile.width);
  }

 private:
  static constexpr int64_t kOrigin[N] = {};
};

/// One thread's buffers for operands that are not dense.
template <int N>
struct TileBuffers {
  char* memory;
  int64_t pitch;
  /// What the buffers hold, for operands that several tiles share.
  const char* held[N] = {};
  int64_t height = 0, width = 0;

  TileBuffers(char* memory, int64_t pitch) : memory(memory), pitch(pitch) {}

  char* at(int k) const { return memory + k * pitch; }
  /// To be called for every tile before `gather`.
  void enter(const Tile& tile) {
    if (tile.height != height || tile.width != width) memset(held, 0, sizeof(held));
    height = tile.height, width = tile.width;
  }
  /// `keeps` says that nobody changes the buffer or what it was filled from.
  char* gather(int k, int bytes, Rectangle from, bool keeps = true) {
    if (held[k] != from.at) moveItems(bytes, {at(k), width, 1}, from, height, width);
    held[k] = keeps ? from.at : nullptr;
    return at(k);
  }
  void scatter(int k, int bytes, Rectangle to) const {
    moveItems(bytes, to, {at(k), width, 1}, height, width);
  }
};

/// Whether every operand is one contiguous run, as in most records; found without any set-up.
inline bool isFlat(const Record& r) {
  if (r.rank == 0) return true;
  if (r.rank > 1) return false;
  for (int k = 0; k < r.operands; k++) {
    if (r.allStrides[k] != 1) return false;
  }
  return true;
}
