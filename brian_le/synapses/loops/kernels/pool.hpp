// Loop nests of pooling synapses. Populations are channel-last, one copy (replica) after the other:
//     pre  = ((b*in_y + y)*in_x + x)*channels + channel
//     post = ((b*out_y + oy)*out_x + ox)*channels + channel
// The window of post is the w_y x w_x inputs from (oy*stride_y, ox*stride_x) on, all inside the input.
// The vector lanes run over the channels, which are contiguous on both sides.

#ifdef _MSC_VER
#define POOL_LANES
#else
#define POOL_LANES _Pragma("GCC ivdep")
#endif

namespace _le {

struct Pool {
    int in_y, in_x, channels, out_y, out_x, w_y, w_x, stride_y, stride_x, replicas;
};

// First channel of the first input in the window of the first channel of output position i
inline int pool_window(const Pool& p, int i) {
    const int ox = i%p.out_x, oy = i/p.out_x%p.out_y, b = i/p.out_x/p.out_y;
    return ((b*p.in_y + oy*p.stride_y)*p.in_x + ox*p.stride_x)*p.channels;
}

// post = mean of value(0, pre, post) over the window
template <typename real, typename Value>
inline void pool_sum_to_post(const Pool& p, real* post, Value value) {
    const real scale = real(1)/(p.w_y*p.w_x);
    for (int i = 0; i < p.replicas*p.out_y*p.out_x; i++) {
        const int window = pool_window(p, i);
        POOL_LANES
        for (int c = 0; c < p.channels; c++) {
            real total = 0;
            for (int y = 0; y < p.w_y; y++)
                for (int x = 0; x < p.w_x; x++)
                    total += value(0, window + (y*p.in_x + x)*p.channels + c, i*p.channels + c);
            post[i*p.channels + c] = scale*total;
        }
    }
}

// pre = sum of value(0, pre, post) over the windows that contain it, divided by the size of a window
template <typename real, typename Value>
inline void pool_sum_to_pre(const Pool& p, real* pre, Value value) {
    const real scale = real(1)/(p.w_y*p.w_x);
    for (int i = 0; i < p.replicas*p.in_y*p.in_x*p.channels; i++)
        pre[i] = 0;
    for (int i = 0; i < p.replicas*p.out_y*p.out_x; i++)
        for (int y = 0; y < p.w_y; y++)
            for (int x = 0; x < p.w_x; x++) {
                const int first = pool_window(p, i) + (y*p.in_x + x)*p.channels;
                POOL_LANES
                for (int c = 0; c < p.channels; c++)
                    pre[first + c] += scale*value(0, first + c, i*p.channels + c);
            }
}

// post = maximum of value(0, pre, post) over the window, winner[post] = pre of the first maximum in it
template <typename real, typename Value>
inline void pool_max_to_post(const Pool& p, real* post, int32_t* winner, Value value) {
    for (int i = 0; i < p.replicas*p.out_y*p.out_x; i++) {
        const int window = pool_window(p, i);
        POOL_LANES
        for (int c = 0; c < p.channels; c++) {
            real best = value(0, window + c, i*p.channels + c);
            int32_t best_pre = window + c;
            for (int y = 0; y < p.w_y; y++)
                for (int x = 0; x < p.w_x; x++) {
                    const int pre = window + (y*p.in_x + x)*p.channels + c;
                    const real v = value(0, pre, i*p.channels + c);
                    best_pre = v > best ? pre : best_pre;
                    best = v > best ? v : best;
                }
            post[i*p.channels + c] = best;
            winner[i*p.channels + c] = best_pre;
        }
    }
}

// pre = sum of value(0, pre, post) over the windows that it has won. To look whether it has won at every
// place of the window keeps to vectors, and is faster than to scatter to the winners.
template <typename real, typename Value>
inline void pool_max_to_pre(const Pool& p, real* pre, const int32_t* winner, Value value) {
    for (int i = 0; i < p.replicas*p.in_y*p.in_x*p.channels; i++)
        pre[i] = 0;
    for (int i = 0; i < p.replicas*p.out_y*p.out_x; i++)
        for (int y = 0; y < p.w_y; y++)
            for (int x = 0; x < p.w_x; x++) {
                const int first = pool_window(p, i) + (y*p.in_x + x)*p.channels;
                POOL_LANES
                for (int c = 0; c < p.channels; c++) {
                    const real v = value(0, first + c, i*p.channels + c);
                    pre[first + c] += winner[i*p.channels + c] == first + c ? v : real(0);
                }
            }
}

}  // namespace _le

#undef POOL_LANES
