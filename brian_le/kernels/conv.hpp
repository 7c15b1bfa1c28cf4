// Loop nests of convolutional synapses. Populations are channel-last, one copy (replica) after the other:
//     pre  = ((b*in_y + y)*in_x + x)*in_c + ci
//     post = ((b*out_y + oy)*out_x + ox)*out_c + co
//     _idx = ((ky*k_x + kx)*in_c + ci)*out_c + co,   y = oy*stride_y + ky - pad_y (x likewise)
// The vector lanes run over the output channels, which are contiguous in the kernel and in post. Each
// nest keeps a tile of such vectors of sums in registers, so that every load serves several of them.
// Hand in a constant `Conv`: all tile sizes that do not occur are then dropped by the compiler.

#ifdef _MSC_VER
#define CONV_INLINE __forceinline
#define CONV_KERNEL
#define CONV_LANES
#define CONV_UNROLL
#else
#define CONV_INLINE inline __attribute__((always_inline))
#define CONV_KERNEL __attribute__((flatten, noinline))
#define CONV_LANES _Pragma("GCC ivdep") _Pragma("GCC unroll 1")  // else g++ unrolls to scalars
#define CONV_UNROLL _Pragma("GCC unroll 8")
#endif

struct Conv {
    int in_y, in_x, in_c, out_y, out_x, out_c, k_y, k_x, stride_y, stride_x, pad_y, pad_x, replicas;
};

namespace conv {

CONV_INLINE int min(int a, int b) { return a < b ? a : b; }
CONV_INLINE int max(int a, int b) { return a > b ? a : b; }

// Calls f.template tile<n>(first) for an n from 1 to N
template <int N> struct Size {
    template <typename F> static CONV_INLINE void call(const F& f, int n, int first) {
        if (n == N)
            f.template tile<N>(first);
        else
            Size<N - 1>::call(f, n, first);
    }
};
template <> struct Size<0> {
    template <typename F> static CONV_INLINE void call(const F&, int, int) {}
};

// Cuts 0..n into tiles of at most N, whose sizes differ by at most one: no thin rest is left over
template <int N, typename F> CONV_INLINE void tiles(int n, const F& f) {
    const int count = (n + N - 1)/N, size = n/max(count, 1), larger = n - count*size;
    for (int i = 0; i < larger; i++)
        Size<N>::call(f, size + 1, i*(size + 1));
    for (int i = larger; i < count; i++)
        Size<N>::call(f, size, i*size + larger);
}

// The same in two dimensions, calls f.template tile<m, n>(first_m, first_n)
template <int M, typename F> struct Inner {
    const F& f;
    int first_m;
    template <int N> CONV_INLINE void tile(int first_n) const { f.template tile<M, N>(first_m, first_n); }
};
template <int N, typename F> struct Outer {
    const F& f;
    int n;
    template <int M> CONV_INLINE void tile(int first_m) const {
        const Inner<M, F> inner = {f, first_m};
        tiles<N>(n, inner);
    }
};
template <int M, int N, typename F> CONV_INLINE void tiles(int m, int n, const F& f) {
    const Outer<N, F> outer = {f, n};
    tiles<M>(m, outer);
}

// Lanes L of a vector: 32 bytes, half of it or 1, but never more than there are output channels. The last of
// the ceil(out_c/L) vectors starts at out_c - L: if L does not divide out_c, it overlaps with its neighbour.
template <typename real, typename Nest> CONV_INLINE void with_lanes(const Nest& nest, int out_c) {
    const int size = 32/sizeof(real);
    if (out_c >= size)
        nest.template lanes<size>();
    else if (out_c >= size/2)
        nest.template lanes<size/2>();
    else
        nest.template lanes<1>();
}
template <int L> CONV_INLINE int vectors(const Conv& c) { return (c.out_c + L - 1)/L; }
template <int L> CONV_INLINE int channel(const Conv& c, int v) { return min(v*L, c.out_c - L); }

// One axis as seen from its n receiving positions: position m has the partners offset + m*step + tap*turn,
// of which those in 0..limit exist. From `first` to `last` (the inner positions) all taps exist.
struct Axis {
    int n, taps, offset, step, turn, limit, first, last;

    CONV_INLINE Axis(int n_, int taps_, int offset_, int step_, int turn_, int limit_)
        : n(n_), taps(taps_), offset(offset_), step(step_), turn(turn_), limit(limit_) {
        const int lowest = turn > 0 ? offset : offset - (taps - 1), room = limit - taps - lowest;
        first = min(n, lowest < 0 ? (step - 1 - lowest)/step : 0);
        last = max(first, room < 0 ? 0 : min(n, room/step + 1));
    }
    CONV_INLINE int inner() const { return last - first; }
    CONV_INLINE int border(int i) const { return i < first ? i : i + inner(); }
    CONV_INLINE int partner(int m, int tap) const { return offset + m*step + tap*turn; }
    CONV_INLINE int first_tap(int m) const {
        return max(0, turn > 0 ? -partner(m, 0) : partner(m, 0) - limit + 1);
    }
    CONV_INLINE int end_tap(int m) const {
        return min(taps, turn > 0 ? limit - partner(m, 0) : partner(m, 0) + 1);
    }
};

// n positions in a row (along 0: x, 1: y, 2: the replicas) that all have the same taps, from (b, y, x) on
struct Run {
    int along, n, b, y, x, tap_y, tap_x, count_y, count_x, partner_y, partner_x;

    CONV_INLINE Run(const Axis& ay, const Axis& ax, int along_, int n_, int b_, int y_, int x_)
        : along(along_), n(n_), b(b_), y(y_), x(x_), tap_y(ay.first_tap(y)), tap_x(ax.first_tap(x)),
          count_y(max(0, ay.end_tap(y) - tap_y)), count_x(max(0, ax.end_tap(x) - tap_x)),
          partner_y(ay.partner(y, tap_y)), partner_x(ax.partner(x, tap_x)) {}
    CONV_INLINE int d_pre(const Conv& c) const {
        return along == 0 ? c.in_c*c.stride_x : along == 1 ? c.in_c*c.in_x*c.stride_y : c.in_c*c.in_x*c.in_y;
    }
    CONV_INLINE int d_post(const Conv& c) const {
        return along == 0 ? c.out_c : along == 1 ? c.out_c*c.out_x : c.out_c*c.out_x*c.out_y;
    }
};

// Covers all positions by long runs: lines of inner positions along the longer axis (or, if the image is
// tiny, everything along the replicas), at the borders lines along the other axis, corners along the replicas
template <int L, typename Nest> CONV_INLINE void cover(const Nest& nest, const Axis& ay, const Axis& ax) {
    const Conv& c = nest.c;
    const bool rows = ax.inner() >= ay.inner();
    const int longer = max(ax.inner(), ay.inner()), shorter = min(ax.inner(), ay.inner());
    const bool tiny = longer == 0 || (longer < 4 && longer < c.replicas);
    const int lines = rows ? ay.n : ax.n, borders = shorter == 0 ? 0 : (rows ? ax.n : ay.n) - longer;
    for (int b = 0; b < (tiny ? 0 : c.replicas); b++) {
        for (int i = 0; i < lines; i++)
            nest.template run<L>(Run(ay, ax, rows ? 0 : 1, longer, b, rows ? i : ay.first,
                                     rows ? ax.first : i));
        for (int i = 0; i < borders; i++)
            nest.template run<L>(Run(ay, ax, rows ? 1 : 0, shorter, b, rows ? ay.first : ay.border(i),
                                     rows ? ax.border(i) : ax.first));
    }
    for (int i = 0; i < ay.n - (tiny ? 0 : ay.inner()); i++)
        for (int j = 0; j < ax.n - (tiny ? 0 : ax.inner()); j++)
            nest.template run<L>(Run(ay, ax, 2, c.replicas, 0, tiny ? i : ay.border(i),
                                     tiny ? j : ax.border(j)));
}

// Sum to post. Tile: V vectors of channels x U positions. A kernel load serves U sums, an input V vectors.
// The row (kx, ci) of the kernel is contiguous in the input too, and is a single loop.
template <typename real, typename Value> struct ToPost {
    const Conv& c;
    real* const post;
    const Value& value;

    template <int L, int V, int U>
    CONV_KERNEL static void sum(const Conv& c, real* post, const Value& value, const Run& r, int v0, int u0) {
        const int d_pre = r.d_pre(c), d_post = r.d_post(c);
        const int pre0 = ((r.b*c.in_y + r.partner_y)*c.in_x + r.partner_x)*c.in_c + u0*d_pre;
        const int post0 = ((r.b*c.out_y + r.y)*c.out_x + r.x)*c.out_c + u0*d_post;
        real total[U][V][L] = {};
        for (int a = 0; a < r.count_y; a++) {
            const int row = ((r.tap_y + a)*c.k_x + r.tap_x)*c.in_c, pre = pre0 + a*c.in_x*c.in_c;
            for (int j = 0; j < r.count_x*c.in_c; j++)
                CONV_UNROLL
                for (int u = 0; u < U; u++)
                    CONV_UNROLL
                    for (int v = 0; v < V; v++) {
                        const int co = channel<L>(c, v0 + v);
                        CONV_LANES
                        for (int q = 0; q < L; q++)
                            total[u][v][q] += value((row + j)*c.out_c + co + q, pre + j + u*d_pre,
                                                    post0 + u*d_post + co + q);
                    }
        }
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++)
                for (int q = 0; q < L; q++)
                    post[post0 + u*d_post + channel<L>(c, v0 + v) + q] = total[u][v][q];
    }
    template <int L> struct Tile {
        const ToPost& nest;
        const Run& r;
        template <int V, int U> CONV_INLINE void tile(int v0, int u0) const {
            sum<L, V, U>(nest.c, nest.post, nest.value, r, v0, u0);
        }
    };
    template <int L> CONV_INLINE void run(const Run& r) const {
        const Tile<L> tile = {*this, r};
        tiles<3, 8>(vectors<L>(c), r.n, tile);
    }
    template <int L> CONV_INLINE void lanes() const {
        cover<L>(*this, Axis(c.out_y, c.k_y, -c.pad_y, c.stride_y, 1, c.in_y),
                 Axis(c.out_x, c.k_x, -c.pad_x, c.stride_x, 1, c.in_x));
    }
};

// Sum to pre. Positions that agree modulo the stride (in the phase) form one image, and see every stride-th
// tap. Tile: T input channels x U positions. Each sum is a vector of sums over every L-th co, which are added
// up at the end; a kernel load serves U sums, a load from post T sums.
template <typename real, typename Value> struct ToPre {
    const Conv& c;
    real* const pre;
    const Value& value;
    int phase_y, phase_x;

    template <int L, int T, int U>
    CONV_KERNEL static void sum(const Conv& c, real* pre, const Value& value, int phase_y, int phase_x,
                                const Run& r, int t0, int u0) {
        const int y = phase_y + r.y*c.stride_y, ky = (phase_y + c.pad_y)%c.stride_y + r.tap_y*c.stride_y;
        const int x = phase_x + r.x*c.stride_x, kx = (phase_x + c.pad_x)%c.stride_x + r.tap_x*c.stride_x;
        const int d_pre = r.d_pre(c), d_post = r.d_post(c);
        const int pre0 = ((r.b*c.in_y + y)*c.in_x + x)*c.in_c + t0 + u0*d_pre;
        const int post0 = ((r.b*c.out_y + r.partner_y)*c.out_x + r.partner_x)*c.out_c + u0*d_post;
        const int rest = c.out_c%L;
        real total[T][U][L] = {};
        for (int a = 0; a < r.count_y; a++)
            for (int j = 0; j < r.count_x; j++) {
                const int idx = (((ky + a*c.stride_y)*c.k_x + kx + j*c.stride_x)*c.in_c + t0)*c.out_c;
                const int post = post0 - (a*c.out_x + j)*c.out_c;
                for (int co = 0; co + L <= c.out_c; co += L)
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++)
                            CONV_LANES
                            for (int q = 0; q < L; q++)
                                total[t][u][q] += value(idx + t*c.out_c + co + q, pre0 + t + u*d_pre,
                                                        post + u*d_post + co + q);
                const int co = c.out_c - L;  // of the last vector only the last `rest` lanes are new
                if (rest)
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++)
                            CONV_LANES
                            for (int q = 0; q < L; q++) {
                                const real v = value(idx + t*c.out_c + co + q, pre0 + t + u*d_pre,
                                                     post + u*d_post + co + q);
                                total[t][u][q] += q >= L - rest ? v : real(0);
                            }
            }
        CONV_UNROLL
        for (int t = 0; t < T; t++)
            CONV_UNROLL
            for (int u = 0; u < U; u++) {
                real whole = 0;
                for (int q = 0; q < L; q++)
                    whole += total[t][u][q];
                pre[pre0 + t + u*d_pre] = whole;
            }
    }
    template <int L> struct Tile {
        const ToPre& nest;
        const Run& r;
        template <int T, int U> CONV_INLINE void tile(int t0, int u0) const {
            sum<L, T, U>(nest.c, nest.pre, nest.value, nest.phase_y, nest.phase_x, r, t0, u0);
        }
    };
    template <int L> CONV_INLINE void run(const Run& r) const {
        const Tile<L> tile = {*this, r};
        tiles<4, 4>(c.in_c, r.n, tile);
    }
    static CONV_INLINE Axis axis(int in, int out, int k, int stride, int pad, int phase) {
        const int first = (phase + pad)%stride;
        return Axis(max(0, in - phase + stride - 1)/stride, max(0, k - first + stride - 1)/stride,
                    (phase + pad)/stride, 1, -1, out);
    }
    template <int L> CONV_INLINE void lanes() const {
        for (int y = 0; y < c.stride_y; y++)
            for (int x = 0; x < c.stride_x; x++) {
                const ToPre nest = {c, pre, value, y, x};
                cover<L>(nest, axis(c.in_y, c.out_y, c.k_y, c.stride_y, c.pad_y, y),
                         axis(c.in_x, c.out_x, c.k_x, c.stride_x, c.pad_x, x));
            }
    }
};

// Sum over positions for each kernel element. Tile: V vectors of channels x U elements of a row (kx, ci),
// contiguous in the input; the positions are the innermost loops, so that each element is written once.
template <int n_terms, typename real, typename Local, typename Apply> struct Learn {
    const Conv& c;
    const Local& local;
    const Apply& apply;

    template <int L, int V, int U>
    static CONV_INLINE void add(real (&total)[n_terms][U][V][L], const Conv& c, const Local& local, int v0,
                                int u, int idx, int pre, int post) {
        CONV_UNROLL
        for (int term = 0; term < n_terms; term++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = channel<L>(c, v0 + v);
                CONV_LANES
                for (int q = 0; q < L; q++)
                    total[term][u][v][q] += local(term, idx + u*c.out_c + co + q, pre + u, post + co + q);
            }
    }
    template <int L, int V, int U>
    CONV_KERNEL static void sum(const Conv& c, const Local& local, const Apply& apply, int ky, int v0,
                                int u0) {
        const Axis ay(c.out_y, 1, ky - c.pad_y, c.stride_y, 1, c.in_y);
        const Axis left(c.out_x, 1, u0/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
        const Axis right(c.out_x, 1, (u0 + U - 1)/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
        const int first = left.first, last = max(first, right.last);  // where the whole tile is in the image
        const int idx = (ky*c.k_x*c.in_c + u0)*c.out_c, step = c.stride_x*c.in_c;
        real total[n_terms][U][V][L] = {};
        for (int b = 0; b < c.replicas; b++)
            for (int oy = ay.first; oy < ay.last; oy++) {
                const int pre = ((b*c.in_y + ay.partner(oy, 0))*c.in_x - c.pad_x)*c.in_c + u0;
                const int post = (b*c.out_y + oy)*c.out_x*c.out_c;
                for (int ox = first; ox < last; ox++)
                    CONV_UNROLL
                    for (int u = 0; u < U; u++)
                        add<L, V, U>(total, c, local, v0, u, idx, pre + ox*step, post + ox*c.out_c);
                CONV_UNROLL  // what single elements see beside that
                for (int u = 0; u < (right.first < first || last < left.last ? U : 0); u++) {
                    const Axis ax(c.out_x, 1, (u0 + u)/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
                    for (int ox = ax.first == first ? last : ax.first; ox < ax.last;
                         ox = ox + 1 == first ? last : ox + 1)
                        add<L, V, U>(total, c, local, v0, u, idx, pre + ox*step, post + ox*c.out_c);
                }
            }
        const real mean = real(1)/c.replicas;
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = channel<L>(c, v0 + v);
                CONV_LANES
                for (int q = (v0 + v)*L - co; q < L; q++) {
                    real totals[n_terms];
                    CONV_UNROLL
                    for (int term = 0; term < n_terms; term++)
                        totals[term] = mean*total[term][u][v][q];
                    apply(idx + u*c.out_c + co + q, totals);
                }
            }
    }
    template <int L> struct Tile {
        const Learn& nest;
        int ky;
        template <int V, int U> CONV_INLINE void tile(int v0, int u0) const {
            sum<L, V, U>(nest.c, nest.local, nest.apply, ky, v0, u0);
        }
    };
    template <int L> CONV_INLINE void lanes() const {
        for (int ky = 0; ky < c.k_y; ky++) {
            const Tile<L> tile = {*this, ky};
            tiles<3, (n_terms < 4 ? 8/n_terms : 1)>(vectors<L>(c), c.k_x*c.in_c, tile);
        }
    }
};

}  // namespace conv

// post = sum of value(_idx, pre, post) over the synapses that arrive there
template <typename real, typename Value>
CONV_INLINE void conv_to_post(const Conv& c, real* post, Value value) {
    const conv::ToPost<real, Value> nest = {c, post, value};
    conv::with_lanes<real>(nest, c.out_c);
}

// pre = sum of value(_idx, pre, post) over the synapses that leave there
template <typename real, typename Value>
CONV_INLINE void conv_to_pre(const Conv& c, real* pre, Value value) {
    const conv::ToPre<real, Value> nest = {c, pre, value, 0, 0};
    conv::with_lanes<real>(nest, c.out_c);
}

// apply(_idx, total) for each kernel element, total[term] being the sum of local(term, _idx, pre, post)
// over all positions, and the mean of it over the replicas
template <int n_terms, typename real, typename Local, typename Apply>
CONV_INLINE void conv_learn(const Conv& c, Local local, Apply apply) {
    const conv::Learn<n_terms, real, Local, Apply> nest = {c, local, apply};
    conv::with_lanes<real>(nest, c.out_c);
}
