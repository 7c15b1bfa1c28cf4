"""The text of loops over synapses in C++.

The loop nests are the function templates in ``kernels/``. The statements of the equations become
the bodies of lambda functions, named after the equations, that the loop nests call. All names that
are not the user's, or Brian2's, begin with the prefix of `brian_le.names`.
"""

import re

from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.preferences import prefs

from brian_le.names import local
from brian_le.synapses.loops.nests import Learning, OnePass, Pooling, Snapshot, Sums

__all__ = ['VALUE', 'cpp_run', 'cpp_after_run']

VALUE = local('value')  #: the variable with the value of an expression
_TURNED = 2**16  # synapses whose copy stays in a cache close to the processor


def cpp_run(nest, scalar_code, vector_code, array_name):
    """C++ of what a nest computes in every step."""
    return _Writer(nest, scalar_code, vector_code, array_name).run()


def cpp_after_run(nest, scalar_code, vector_code, array_name):
    """C++ of what is left to do after a run; empty if nothing is."""
    return _Writer(nest, scalar_code, vector_code, array_name).after_run()


def _lines(*parts):
    return '\n'.join(part for part in parts if part)


def _indent(text):
    return '\n'.join(f'    {line}' for line in text.splitlines() if line.strip())


def _comment(text):
    return '\n'.join(f'// {line}' for line in text.splitlines())


class _Writer:
    """Writes the C++ of one nest."""

    def __init__(self, nest, scalar_code, vector_code, array_name):
        self.nest = nest
        self.layout = nest.layout
        self.scalar_code = {block: '\n'.join(lines) for block, lines in scalar_code.items()}
        self.vector_code = {block: '\n'.join(lines) for block, lines in vector_code.items()}
        self.array_name = array_name

    def run(self):
        write = {OnePass: self._one_pass, Sums: self._sum, Pooling: self._pooling,
                 Learning: self._learning, Snapshot: self._snapshot}[type(self.nest)]
        code = write()
        if self.nest.switches:
            on = ' && '.join(f'{self.array_name(switch)}[0] != 0' for switch in self.nest.switches)
            code = _lines(f'if ({on})  // otherwise nothing changes', '{', _indent(code), '}')
        return _lines(_comment(self.nest.about), code)

    def after_run(self):
        if not (isinstance(self.nest, OnePass) and self.nest.pending is not None):
            return ''
        # by the same loop as in every step, so that it makes no difference where a run ends
        sums = {'post': self.layout.n_post, 'pre': self.layout.n_pre}
        scratch = {s: f'_le_not_used_{s.name}' for s in self.nest.sums}
        return _lines('// the weights follow the last step; the sums go nowhere',
                      *(f'static {self._real} {name}[{sums[s.side]}];'
                        for s, name in scratch.items()),
                      *self._functions(scratch),
                      self._if_pending(self._call_one_pass('_le_update')))

    # ------------------------------------------------------------------------------------- kinds
    def _one_pass(self):
        nest = self.nest
        lines = self._functions({s: self.array_name(s.variable) for s in nest.sums})
        if nest.pending is not None:
            lines.append(self._if_pending(self._call_one_pass('_le_update'),
                                          self._call_one_pass('_le::NoUpdate()')))
        else:
            lines.append(self._call_one_pass(
                '_le::NoUpdate()' if nest.update is None else '_le_update'))
        return _lines(*lines)

    def _functions(self, targets):
        """What the loop over all synapses calls, and where its sums go."""
        nest = self.nest
        lines = [self._sum_body(s) for s in nest.sums]
        if nest.update is not None:
            lines.append(self._body('_le_update', 'update'))
        for side in ('post', 'pre'):
            sums = nest.of_side(side)
            if sums:
                lines += [f'{self._real}* const _le_{side}[] = '
                          f'{{{", ".join(targets[s] for s in sums)}}};',
                          self._terms(f'_le_to_{side}', [_name(s) for s in sums])]
        return lines

    def _call_one_pass(self, update):
        counts, targets, functions = [], [], []
        for side in ('post', 'pre'):
            n = len(self.nest.of_side(side))
            counts.append(str(n))
            targets.append(f'_le_{side}' if n else f'({self._real}* const*) 0')
            functions.append(f'_le_to_{side}' if n else '[](int, int, int, int) { return 0; }')
        return (f'_le::one_pass<{", ".join(counts)}>({self._size}, {", ".join(targets)}, '
                f'{update}, {", ".join(functions)});')

    def _if_pending(self, then, otherwise=None):
        pending = f'{self.array_name(self.nest.pending)}[0]'
        lines = [f'if ({pending})  // the weights follow the step before', '{', _indent(then),
                 f'    {pending} = 0;', '}']
        if otherwise:
            lines += ['else', '{', _indent(otherwise), '}']
        return _lines(*lines)

    def _sum(self):
        s = self.nest.sum
        arguments = f'{self.array_name(s.variable)}, {_name(s)}'
        if self.layout.kernels == 'dense' and s.side == 'pre' and self._turning_pays(s):
            return self._sum_turned(s)
        if self.layout.kernels == 'dense':
            call = f'_le::sum_to_{s.side}({self._size}, {arguments});'
        else:
            call = f'_le::conv_to_{s.side}<_le_Layout>({arguments});'
        return _lines(self._declare, self._sum_body(s), call)

    def _turning_pays(self, s):
        """Whether a sum to pre is faster with the synapses in another order, copied for it."""
        layout = self.layout
        counts = re.search(r'\b[ij]\b', self.vector_code[s.name])
        return (not counts and layout.n_synapses <= _TURNED
                and layout.replicas >= (16 if layout.n_post >= 16 else 4))

    def _sum_turned(self, s):
        """A sum to pre as a sum to post with the two sides exchanged."""
        layout, code = self.layout, self.vector_code[s.name]
        copies = {array: f'_le_by_post_{k}' for k, array in enumerate(
            dict.fromkeys(re.findall(r'(\w+)\[_idx\]', code)))}
        lines = [f'const auto {copy} = _le::by_post<{layout.n_synapses}, {k}>({layout.n_pre}, '
                 f'{layout.n_post}, {array});' for k, (array, copy) in enumerate(copies.items())]
        self.vector_code[s.name] = re.sub(r'(\w+)\[_idx\]', lambda m: f'{copies[m[1]]}[_idx]', code)
        exchanged = (f'[=](int _idx, int _postsynaptic_idx, int _presynaptic_idx) {{ return '
                     f'{_name(s)}(_idx, _presynaptic_idx, _postsynaptic_idx); }}')
        return _lines(*lines, self._sum_body(s),
                      f'_le::sum_to_post({layout.n_post}, {layout.n_pre}, {layout.replicas}, '
                      f'{self.array_name(s.variable)},', f'                 {exchanged});')

    def _pooling(self):
        nest, s = self.nest, self.nest.sum
        arguments = ['_le_layout', self.array_name(s.variable), _name(s)]
        kind = 'sum'
        if nest.winner is not None:
            kind = 'max'
            arguments.insert(2, self.array_name(nest.winner))
        return _lines(self._declare, self._sum_body(s),
                      f'_le::pool_{kind}_to_{s.side}({", ".join(arguments)});')

    def _learning(self):
        nest, n = self.nest, len(self.nest.terms)
        names = [f'_le_term_{k}' for k in range(n)]
        add_up = f'*{self.layout.positions}' if self.layout.positions != 1 else ''
        means = [f'const {self._default} {name} = _le_mean[{k}]{add_up};'
                 for k, name in enumerate(nest.terms)]
        update = self._body('_le_update', 'update',
                            parameters=f'int _idx, const {self._default}* _le_mean',
                            start='\n'.join(means))
        if not n:
            return _lines(update, f'for (int _idx = 0; _idx < {self.layout.n_synapses}; _idx++)',
                          '    _le_update(_idx, 0);')
        if self.layout.kernels == 'dense':
            call = (f'_le::mean_over_replicas<{n}, {self._default}>({self._size}, _le_local, '
                    '_le_update);')
        else:
            call = f'_le::conv_learn<_le_Layout, {n}, {self._default}>(_le_local, _le_update);'
        return _lines(
            self._declare,
            *(self._body(name, block, self._default, f'{name} = {code}')
              for name, (block, code) in zip(names, nest.terms.items())),
            self._terms('_le_local', names, self._default), update, call)

    def _snapshot(self):
        loops = []
        for side, n in (('pre', self.layout.n_pre), ('post', self.layout.n_post)):
            if side in self.nest.statements:
                index = f'_{side}synaptic_idx'
                loops += ['{', _indent(self.scalar_code[side]),
                          f'    for (int {index} = 0; {index} < {n}; {index}++)', '    {',
                          _indent(_indent(self.vector_code[side])), '    }', '}']
        if 'scalar' in self.nest.statements:
            loops += ['{', _indent(self.scalar_code['scalar']), '}']
        return _lines(*loops, f'{self.array_name(self.nest.pending)}[0] = 1;')

    # ------------------------------------------------------------------------------------- parts
    @property
    def _real(self):
        return c_data_type(self.nest.sums[0].variable.dtype) if self.nest.sums else 'double'

    @property
    def _default(self):
        return c_data_type(prefs.core.default_float_dtype)

    @property
    def _size(self):
        """The numbers of a layout that needs only few."""
        layout = self.layout
        if isinstance(self.nest, OnePass):
            return f'{layout.n_pre}, {layout.n_post}'
        return f'{layout.n_pre}, {layout.n_post}, {layout.replicas}'

    @property
    def _declare(self):
        """The numbers of a layout that needs many of them."""
        if self.layout.kernels == 'dense':
            return ''
        layout = self.layout
        if layout.kernels == 'conv':
            numbers = [f'{name} = {getattr(layout, name)}' for name in (
                'in_y', 'in_x', 'in_c', 'out_y', 'out_x', 'out_c', 'k_y', 'k_x',
                'stride_y', 'stride_x', 'pad_y', 'pad_x', 'replicas')]
            return _lines('struct _le_Layout', '{',
                          f'    enum {{ {", ".join(numbers[:6])},',
                          f'           {", ".join(numbers[6:])} }};', '};')
        names = ('in_y', 'in_x', 'channels', 'out_y', 'out_x', 'w_y', 'w_x', 'stride_y', 'stride_x',
                 'replicas')
        values = ', '.join(str(getattr(layout, name)) for name in names)
        return _lines(f'// {", ".join(names)}',
                      f'static const _le::Pool _le_layout = {{{values}}};')

    def _sum_body(self, s):
        return self._body(_name(s), s.name, c_data_type(s.variable.dtype), s.equation)

    def _body(self, name, block, result=None, comment='', start='',
              parameters='int _idx, int _presynaptic_idx, int _postsynaptic_idx'):
        """A lambda function with the statements of one block.

        What is the same for all synapses is computed once, where the function is made.
        """
        scalar, vector = self.scalar_code[block], self.vector_code[block]
        if self.layout.kernels == 'dense':
            n = self.layout.n_post
            neurons = [f'const int {name} = _idx {op} {n};' for name, op in (('i', '/'), ('j', '%'))
                       if re.search(rf'\b{name}\b', vector)]
            start = _lines(start, *neurons)
        parameters = _named_if_used(parameters, _lines(start, vector))
        function = _lines(f'[=]({parameters})' + (f' -> {result}' if result else ''), '{',
                          _indent(start), _indent(vector),
                          f'    return {VALUE};' if result else '', '}')
        if scalar.strip():
            function = _lines('[&]', '{', _indent(scalar), _indent(f'return {function};'), '}()')
        return _lines(_comment(comment), f'auto {name} = {function};')

    def _terms(self, name, functions, real=None):
        """One function out of several, which takes their number first."""
        call = '(_idx, _presynaptic_idx, _postsynaptic_idx)'
        term = 'int _le_term' if len(functions) > 1 else 'int'
        parameters = f'{term}, int _idx, int _presynaptic_idx, int _postsynaptic_idx'
        lines = [f'    if (_le_term == {k}) return {function}{call};'
                 for k, function in enumerate(functions[:-1])]
        return _lines(f'auto {name} = [=]({parameters}) -> {real or self._real}', '{', *lines,
                      f'    return {functions[-1]}{call};', '};')


def _named_if_used(parameters, code):
    """Parameters of a function, without the names of those that its code does not read."""
    return ', '.join(parameter if re.search(rf'\b{name}\b', code) else parameter_type
                     for parameter in parameters.split(', ')
                     for parameter_type, name in [parameter.rsplit(' ', 1)])


def _name(s):
    return local(f'sum_{s.name}')
