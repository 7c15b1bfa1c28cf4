// Loop nests of convolutional synapses. Populations are channel-last, one copy after the other:
//     pre  = ((b*in_y + y)*in_x + x)*in_c + ci
//     post = ((b*out_y + oy)*out_x + ox)*out_c + co
//     _idx = ((ky*k_x + kx)*in_c + ci)*out_c + co,   y = oy*stride_y + ky - pad_y (x likewise)
// The vector lanes run over the output channels, which are contiguous in the kernel and in post.
// Around them each nest keeps a tile of sums in registers, so that every load serves several sums.
// Hand in a constant `Conv`: the sizes of the tiles and all strides are then known to the compiler.

#ifdef _MSC_VER
#define CONV_INLINE __forceinline
#define CONV_FLATTEN
#define CONV_IVDEP
#define CONV_UNROLL
#else
#define CONV_INLINE inline __attribute__((always_inline))
#define CONV_FLATTEN __attribute__((flatten, noinline))
#define CONV_IVDEP _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#define CONV_UNROLL _Pragma("GCC unroll 8")
#endif

struct Conv {
    int in_y, in_x, in_c, out_y, out_x, out_c, k_y, k_x, stride_y, stride_x, pad_y, pad_x, replicas;
};

namespace conv {

CONV_INLINE int min(int a, int b) { return a < b ? a : b; }
CONV_INLINE int max(int a, int b) { return a > b ? a : b; }

// Calls f.template tile<n>(first), n <= N
template <int N> struct Constant {
    template <typename F> static CONV_INLINE void call(const F& f, int n, int first) {
        if (n == N)
            f.template tile<N>(first);
        else
            Constant<N - 1>::call(f, n, first);
    }
};
template <> struct Constant<0> {
    template <typename F> static CONV_INLINE void call(const F&, int, int) {}
};

// Cuts 0..n into tiles of at most N, whose sizes differ by at most one: no thin rest is left over
template <int N, typename F> CONV_INLINE void tiles(int n, const F& f) {
    const int count = (n + N - 1)/N, size = n/max(count, 1), larger = n - count*size;
    for (int i = 0; i < larger; i++)
        Constant<N>::call(f, size + 1, i*(size + 1));
    for (int i = larger; i < count; i++)
        Constant<N>::call(f, size, i*size + larger);
}

// Calls f.template lanes<L>(), L being a vector of the n output channels, half a vector or 1. The last of
// the ceil(n/L) vectors starts at n - L: where L does not divide n it overlaps with the one before it.
template <typename real, typename F> CONV_INLINE void lanes(int n, const F& f) {
    const int size = 32/sizeof(real);
    if (n >= size)
        f.template lanes<size>();
    else if (n >= size/2)
        f.template lanes<size/2>();
    else
        f.template lanes<1>();
}

// One axis as seen from its n receiving positions. Position m has the partners
// offset + m*step + t*turn for the taps t, of which those in 0..limit exist.
// For positions from `first` to `last` (the inner ones) all taps exist.
struct Axis {
    int n, taps, offset, step, turn, limit, first, last;

    CONV_INLINE Axis(int n_, int taps_, int offset_, int step_, int turn_, int limit_)
        : n(n_), taps(taps_), offset(offset_), step(step_), turn(turn_), limit(limit_) {
        const int lowest = turn > 0 ? offset : offset - (taps - 1);
        const int room = limit - taps - lowest;  // m*step <= room keeps the highest partner inside
        first = min(n, lowest < 0 ? (-lowest + step - 1)/step : 0);
        last = max(first, room < 0 ? 0 : min(n, room/step + 1));
    }
    CONV_INLINE int first_tap(int m) const {
        const int p = offset + m*step;
        return max(0, turn > 0 ? -p : p - limit + 1);
    }
    CONV_INLINE int count(int m) const {
        const int p = offset + m*step;
        return max(0, min(taps, turn > 0 ? limit - p : p + 1) - first_tap(m));
    }
    CONV_INLINE int partner(int m) const { return offset + m*step + first_tap(m)*turn; }
    CONV_INLINE int inner() const { return last - first; }
    CONV_INLINE int border(int i) const { return i < first ? i : i + inner(); }
};

// A run of positions that use the same taps, along one axis or along the replicas
struct Run {
    int n, y, x, b, tap_y, tap_x, count_y, count_x, partner_y, partner_x;
    int along;  // 0: x, 1: y, 2: replicas
};

template <typename Nest>
CONV_INLINE void run(const Nest& nest, const Axis& ay, const Axis& ax, int along, int b, int y, int x, int n) {
    const Run r = {n, y, x, b, ay.first_tap(y), ax.first_tap(x), ay.count(y), ax.count(x),
                   ay.partner(y), ax.partner(x), along};
    nest.run(r);
}

// Covers all positions by runs, as long as possible: rows of inner positions, columns of inner positions
// at the borders, and for the corners (or if the image is tiny) the same position in all replicas
template <typename Nest>
CONV_INLINE void cover(const Nest& nest, const Axis& ay, const Axis& ax, int replicas) {
    const int inner_y = ay.inner(), inner_x = ax.inner(), longest = max(inner_y, inner_x);
    if (longest < 4 && longest < replicas) {
        for (int y = 0; y < ay.n; y++)
            for (int x = 0; x < ax.n; x++)
                run(nest, ay, ax, 2, 0, y, x, replicas);
        return;
    }
    if (inner_x >= inner_y) {
        for (int b = 0; b < replicas; b++) {
            for (int y = 0; y < ay.n && inner_x > 0; y++)
                run(nest, ay, ax, 0, b, y, ax.first, inner_x);
            for (int i = 0; i < ax.n - inner_x && inner_y > 0; i++)
                run(nest, ay, ax, 1, b, ay.first, ax.border(i), inner_y);
        }
    } else {
        for (int b = 0; b < replicas; b++) {
            for (int x = 0; x < ax.n && inner_y > 0; x++)
                run(nest, ay, ax, 1, b, ay.first, x, inner_y);
            for (int i = 0; i < ay.n - inner_y && inner_x > 0; i++)
                run(nest, ay, ax, 0, b, ay.border(i), ax.first, inner_x);
        }
    }
    for (int i = 0; i < ay.n - inner_y; i++)
        for (int j = 0; j < ax.n - inner_x; j++)
            run(nest, ay, ax, 2, 0, ay.border(i), ax.border(j), replicas);
}

// Sum to post. Tile: U positions x V vectors of channels; one kernel row (kx, ci) is contiguous in the
// input and is a single loop. A kernel load serves U sums, an input value V vectors.
template <typename real, typename Value, int L> struct ToPost {
    const Conv& c;
    real* const post;
    const Value& value;

    template <int U, int V>
    CONV_FLATTEN static void sum(const Conv& c, real* post, const Value& value, const Run& r, int v0, int u0) {
        const int d_pre = r.along == 0 ? c.stride_x*c.in_c
                        : r.along == 1 ? c.stride_y*c.in_x*c.in_c : c.in_y*c.in_x*c.in_c;
        const int d_post = r.along == 0 ? c.out_c : r.along == 1 ? c.out_x*c.out_c : c.out_y*c.out_x*c.out_c;
        const int pre0 = ((r.b*c.in_y + r.partner_y)*c.in_x + r.partner_x)*c.in_c + u0*d_pre;
        const int post0 = ((r.b*c.out_y + r.y)*c.out_x + r.x)*c.out_c + u0*d_post;
        real total[U][V][L] = {};
        for (int a = 0; a < r.count_y; a++) {
            const int idx0 = ((r.tap_y + a)*c.k_x + r.tap_x)*c.in_c, row = pre0 + a*c.in_x*c.in_c;
            for (int j = 0; j < r.count_x*c.in_c; j++)
                CONV_UNROLL
                for (int u = 0; u < U; u++)
                    CONV_UNROLL
                    for (int v = 0; v < V; v++) {
                        const int co = min((v0 + v)*L, c.out_c - L);
                        CONV_IVDEP
                        for (int q = 0; q < L; q++)
                            total[u][v][q] += value((idx0 + j)*c.out_c + co + q, row + j + u*d_pre,
                                                    post0 + u*d_post + co + q);
                    }
        }
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++)
                for (int q = 0; q < L; q++)
                    post[post0 + u*d_post + min((v0 + v)*L, c.out_c - L) + q] = total[u][v][q];
    }
    template <int V> struct Positions {
        const ToPost& nest;
        const Run& r;
        int v0;
        template <int U> CONV_INLINE void tile(int u0) const { sum<U, V>(nest.c, nest.post, nest.value, r, v0, u0); }
    };
    struct Channels {
        const ToPost& nest;
        const Run& r;
        template <int V> CONV_INLINE void tile(int v0) const {
            const Positions<V> positions = {nest, r, v0};
            tiles<8>(r.n, positions);
        }
    };
    CONV_INLINE void run(const Run& r) const {
        const Channels channels = {*this, r};
        tiles<3>((c.out_c + L - 1)/L, channels);
    }
};

template <typename real, typename Value> struct ToPostLanes {
    const Conv& c;
    real* const post;
    const Value& value;
    template <int L> CONV_INLINE void lanes() const {
        const ToPost<real, Value, L> nest = {c, post, value};
        cover(nest, Axis(c.out_y, c.k_y, -c.pad_y, c.stride_y, 1, c.in_y),
              Axis(c.out_x, c.k_x, -c.pad_x, c.stride_x, 1, c.in_x), c.replicas);
    }
};

// Sum to pre. Positions whose coordinates agree modulo the stride form one image; there the taps are
// every stride-th kernel element. Tile: T input channels x U positions, each a vector of partial
// sums over co that is summed up once at the end. A kernel load serves U sums, one from post T sums.
template <typename real, typename Value, int L> struct ToPre {
    const Conv& c;
    real* const pre;
    const Value& value;
    int phase_y, phase_x;

    template <int T, int U>
    CONV_FLATTEN static void sum(const Conv& c, real* pre, const Value& value, int phase_y, int phase_x,
                                 const Run& r, int t0, int u0) {
        const int d_pre = r.along == 0 ? c.stride_x*c.in_c
                        : r.along == 1 ? c.stride_y*c.in_x*c.in_c : c.in_y*c.in_x*c.in_c;
        const int d_post = r.along == 0 ? c.out_c : r.along == 1 ? c.out_x*c.out_c : c.out_y*c.out_x*c.out_c;
        const int y = phase_y + r.y*c.stride_y, x = phase_x + r.x*c.stride_x;
        const int ky = (phase_y + c.pad_y)%c.stride_y + r.tap_y*c.stride_y;
        const int kx = (phase_x + c.pad_x)%c.stride_x + r.tap_x*c.stride_x;
        const int pre0 = ((r.b*c.in_y + y)*c.in_x + x)*c.in_c + t0 + u0*d_pre;
        const int post0 = ((r.b*c.out_y + r.partner_y)*c.out_x + r.partner_x)*c.out_c + u0*d_post;
        const int rest = c.out_c%L;
        real total[T][U][L] = {};
        for (int a = 0; a < r.count_y; a++)
            for (int j = 0; j < r.count_x; j++) {
                const int idx = (((ky + a*c.stride_y)*c.k_x + kx + j*c.stride_x)*c.in_c + t0)*c.out_c;
                const int first = post0 - (a*c.out_x + j)*c.out_c;
                for (int co = 0; co + L <= c.out_c; co += L)
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++) {
                            CONV_IVDEP
                            for (int q = 0; q < L; q++)
                                total[t][u][q] += value(idx + t*c.out_c + co + q, pre0 + t + u*d_pre,
                                                        first + u*d_post + co + q);
                        }
                if (rest)  // once more the last L channels, of which only the `rest` last ones count
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++) {
                            const int co = c.out_c - L;
                            CONV_IVDEP
                            for (int q = 0; q < L; q++) {
                                const real v = value(idx + t*c.out_c + co + q, pre0 + t + u*d_pre,
                                                     first + u*d_post + co + q);
                                total[t][u][q] += q >= L - rest ? v : real(0);
                            }
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
    template <int T> struct Positions {
        const ToPre& nest;
        const Run& r;
        int t0;
        template <int U> CONV_INLINE void tile(int u0) const { sum<T, U>(nest.c, nest.pre, nest.value, nest.phase_y, nest.phase_x, r, t0, u0); }
    };
    struct Channels {
        const ToPre& nest;
        const Run& r;
        template <int T> CONV_INLINE void tile(int t0) const {
            const Positions<T> positions = {nest, r, t0};
            tiles<4>(r.n, positions);
        }
    };
    CONV_INLINE void run(const Run& r) const {
        const Channels channels = {*this, r};
        tiles<5>(c.in_c, channels);
    }
};

CONV_INLINE Axis axis_to_pre(int in, int out, int k, int stride, int pad, int phase) {
    const int first = (phase + pad)%stride;
    return Axis((in - phase + stride - 1)/stride, max(0, (k - first + stride - 1)/stride),
                (phase + pad)/stride, 1, -1, out);
}

template <typename real, typename Value> struct ToPreLanes {
    const Conv& c;
    real* const pre;
    const Value& value;
    template <int L> CONV_INLINE void lanes() const {
        for (int y = 0; y < min(c.stride_y, c.in_y); y++)
            for (int x = 0; x < min(c.stride_x, c.in_x); x++) {
                const ToPre<real, Value, L> nest = {c, pre, value, y, x};
                cover(nest, axis_to_pre(c.in_y, c.out_y, c.k_y, c.stride_y, c.pad_y, y),
                      axis_to_pre(c.in_x, c.out_x, c.k_x, c.stride_x, c.pad_x, x), c.replicas);
            }
    }
};

// Plasticity. Tile: U kernel rows (kx, ci), contiguous in the input, x V vectors of channels; the
// positions and replicas are the innermost loops, so that every kernel element is written once.
template <int n_terms, typename real, typename Local, typename Apply, int L> struct Learn {
    const Conv& c;
    const Local& local;
    const Apply& apply;

    template <int U, int V>
    CONV_FLATTEN static void sum(const Conv& c, const Local& local, const Apply& apply, int ky, int v0, int u0) {
        const Axis ay(c.out_y, 1, ky - c.pad_y, c.stride_y, 1, c.in_y);
        const Axis left(c.out_x, 1, u0/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
        const Axis right(c.out_x, 1, (u0 + U - 1)/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
        const int first = left.first, last = max(first, right.last);  // all rows have these positions
        real total[n_terms][U][V][L] = {};
        for (int b = 0; b < c.replicas; b++)
            for (int oy = ay.first; oy < ay.last; oy++) {
                const int pre0 = ((b*c.in_y + oy*c.stride_y + ky - c.pad_y)*c.in_x - c.pad_x)*c.in_c + u0;
                const int post0 = (b*c.out_y + oy)*c.out_x*c.out_c;
                for (int ox = first; ox < last; ox++)
                    CONV_UNROLL
                    for (int u = 0; u < U; u++)
                        add<U, V>(c, local, total, u, ky, v0, u0, pre0 + ox*c.stride_x*c.in_c, post0 + ox*c.out_c);
                if (right.first < first || last < left.last)  // borders, row by row
                    CONV_UNROLL
                    for (int u = 0; u < U; u++) {
                        const Axis ax(c.out_x, 1, (u0 + u)/c.in_c - c.pad_x, c.stride_x, 1, c.in_x);
                        for (int ox = ax.first; ox < ax.last; ox++) {
                            if (ox == first && first < last) {
                                ox = last - 1;
                                continue;
                            }
                            add<U, V>(c, local, total, u, ky, v0, u0, pre0 + ox*c.stride_x*c.in_c, post0 + ox*c.out_c);
                        }
                    }
            }
        const real mean = real(1)/c.replicas;
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = min((v0 + v)*L, c.out_c - L);
                CONV_IVDEP
                for (int q = (v0 + v)*L - co; q < L; q++) {
                    real totals[n_terms];
                    CONV_UNROLL
                    for (int term = 0; term < n_terms; term++)
                        totals[term] = mean*total[term][u][v][q];
                    apply((ky*c.k_x*c.in_c + u0 + u)*c.out_c + co + q, totals);
                }
            }
    }
    template <int U, int V>
    CONV_INLINE static void add(const Conv& c, const Local& local, real (&total)[n_terms][U][V][L],
                                int u, int ky, int v0, int u0, int pre, int post) {
        CONV_UNROLL
        for (int term = 0; term < n_terms; term++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = min((v0 + v)*L, c.out_c - L);
                CONV_IVDEP
                for (int q = 0; q < L; q++)
                    total[term][u][v][q] += local(term, (ky*c.k_x*c.in_c + u0 + u)*c.out_c + co + q,
                                                  pre + u, post + co + q);
            }
    }
    template <int V> struct Rows {
        const Learn& nest;
        int ky, v0;
        template <int U> CONV_INLINE void tile(int u0) const { sum<U, V>(nest.c, nest.local, nest.apply, ky, v0, u0); }
    };
    struct Channels {
        const Learn& nest;
        int ky;
        template <int V> CONV_INLINE void tile(int v0) const {
            const Rows<V> rows = {nest, ky, v0};
            tiles<(n_terms == 1 ? 8 : n_terms == 2 ? 4 : 2)>(nest.c.k_x*nest.c.in_c, rows);
        }
    };
};

template <int n_terms, typename real, typename Local, typename Apply> struct LearnLanes {
    const Conv& c;
    const Local& local;
    const Apply& apply;
    template <int L> CONV_INLINE void lanes() const {
        const Learn<n_terms, real, Local, Apply, L> nest = {c, local, apply};
        for (int ky = 0; ky < c.k_y; ky++) {
            const typename Learn<n_terms, real, Local, Apply, L>::Channels channels = {nest, ky};
            tiles<3>((c.out_c + L - 1)/L, channels);
        }
    }
};

}  // namespace conv

// post = sum of value(_idx, pre, post) over the synapses that arrive there
template <typename real, typename Value>
CONV_INLINE void conv_to_post(const Conv& c, real* post, Value value) {
    const conv::ToPostLanes<real, Value> nest = {c, post, value};
    conv::lanes<real>(c.out_c, nest);
}

// pre = sum of value(_idx, pre, post) over the synapses that leave there
template <typename real, typename Value>
CONV_INLINE void conv_to_pre(const Conv& c, real* pre, Value value) {
    const conv::ToPreLanes<real, Value> nest = {c, pre, value};
    conv::lanes<real>(c.out_c, nest);
}

// apply(_idx, total) for each kernel element, total[term] being the sum of local(term, _idx, pre, post)
// over all positions, and the mean over the replicas
template <int n_terms, typename real, typename Local, typename Apply>
CONV_INLINE void conv_learn(const Conv& c, Local local, Apply apply) {
    const conv::LearnLanes<n_terms, real, Local, Apply> nest = {c, local, apply};
    conv::lanes<real>(c.out_c, nest);
}
