using System.Runtime.InteropServices;
using Iced.Intel;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>Assembles micro-kernels: routines that take a <see cref="GemmTile"/> and compute a tile of the product in registers.</summary>
internal sealed class TileAssembler
{
    private const int Unroll = GemmTile.AheadColumns;
    private const int PrefetchedRows = 8;
    private const int PrefetchedAtOnce = GemmTile.ProductRows;
    private const int PrefetchedPanelRows = 16;
    private const Register Arguments = Register.RDI;
    private const Register Depth = Register.RAX;
    private const Register Right = Register.RCX;
    private const Register RightStep = Register.RDX;
    private const Register LeftStep = Register.RSI;
    private const Register Product = Register.RBX;
    private const Register ProductFetches = Register.EBP;
    private const Register Ahead = Register.R12;
    private const Register Spare = Register.R13;
    private const Register C = Register.RAX;
    private const Register CStep = Register.RCX;

    // In row order each of these holds the address of every third row: base, base + step and base + 2 * step are all addresses that an
    // instruction can form itself.
    private static readonly Register[] LeftPointers = [Register.R8, Register.R9, Register.R10, Register.R11];

    private readonly InstructionFamily _family;
    private readonly CallingConvention _convention;
    private readonly TileVariant _variant;
    private readonly MachineCode _code = new();

    private TileAssembler(InstructionFamily family, CallingConvention convention, TileVariant variant)
    {
        _family = family;
        _convention = convention;
        _variant = variant;
    }

    private int Accumulators => _variant.Rows * _variant.Vectors;

    /// <summary>Assembles a kernel.</summary>
    public static byte[] Assemble(InstructionFamily family, CallingConvention convention, TileVariant variant) =>
        new TileAssembler(family, convention, variant).Assemble();

    private byte[] Assemble()
    {
        _convention.Enter(_code);
        if (_variant.Masked)
        {
            _family.PrepareMask(_code, Field(nameof(GemmTile.LastColumns)));
        }

        _code.Add(Instruction.Create(Code.Push_r64, Product));
        _code.Add(Instruction.Create(Code.Push_r64, Register.RBP));
        _code.Add(Instruction.Create(Code.Push_r64, Ahead));
        _code.Add(Instruction.Create(Code.Push_r64, Spare));
        Mov(Ahead, Field(nameof(GemmTile.Ahead)));
        Mov(Product, Field(nameof(GemmTile.C)));
        _code.Add(Instruction.Create(Code.Mov_r32_imm32, ProductFetches, (_variant.Rows + PrefetchedAtOnce - 1) / PrefetchedAtOnce));
        LoadOperands();
        for (var i = 0; i < Accumulators; i++)
        {
            _family.Zero(_code, i);
        }

        Loop();
        _code.Add(Instruction.Create(Code.Pop_r64, Spare));
        _code.Add(Instruction.Create(Code.Pop_r64, Ahead));
        _code.Add(Instruction.Create(Code.Pop_r64, Register.RBP));
        _code.Add(Instruction.Create(Code.Pop_r64, Product));
        Scale();
        Finish();
        return _code.Encode();
    }

    // A few lines at a time: all that a tile has, or that the next tiles need, would fill the buffers of the first-level cache, and the operands of this
    // tile would wait for memory as well. The product, which is written after the whole contraction, comes first; then what later tiles need.
    private void Prefetch()
    {
        var (later, done) = (_code.NewPlace(), _code.NewPlace());
        _code.Add(Instruction.Create(Code.Sub_rm32_imm8, ProductFetches, 1));
        _code.Jump(Code.Jl_rel32_64, later);
        for (var row = 0; row < Math.Min(PrefetchedAtOnce, _variant.Rows); row++)
        {
            for (var bytes = 0; bytes < _variant.Vectors * _family.VectorBytes; bytes += 64)
            {
                _code.Add(Instruction.Create(Code.Prefetchw_m8, At(Product, bytes)));
            }

            _code.Add(Instruction.Create(Code.Add_r64_rm64, Product, Field(nameof(GemmTile.CRowStep))));
        }

        _code.Jump(Code.Jmp_rel32_64, done);
        _code.Put(later);
        _code.Add(Instruction.Create(Code.Cmp_rm64_imm8, Field(nameof(GemmTile.AheadCount)), 0));
        _code.Jump(Code.Jle_rel32_64, done);
        _code.Add(Instruction.Create(Code.Sub_rm64_imm8, Field(nameof(GemmTile.AheadCount)), 1));
        Mov(Spare, Field(nameof(GemmTile.AheadStep)));
        for (var line = 0; line < GemmTile.AheadLines; line++)
        {
            _code.Add(Instruction.Create(Code.Prefetcht1_m8, At(Ahead, 0)));
            Add(Ahead, Spare);
        }

        _code.Put(done);
    }

    private void LoadOperands()
    {
        Mov(LeftPointers[0], Field(nameof(GemmTile.A)));
        Mov(LeftStep, Field(_variant.Order == LeftOrder.Rows ? nameof(GemmTile.ARowStep) : nameof(GemmTile.AColumnStep)));
        if (_variant.Order == LeftOrder.Rows && _variant.Rows > 3)
        {
            _code.Add(Instruction.Create(Code.Lea_r64_m, Register.RAX, new MemoryOperand(LeftStep, LeftStep, 2)));
            for (var i = 1; i < (_variant.Rows + 2) / 3; i++)
            {
                _code.Add(Instruction.Create(Code.Lea_r64_m, LeftPointers[i], new MemoryOperand(LeftPointers[i - 1], Register.RAX, 1)));
            }
        }

        Mov(Right, Field(nameof(GemmTile.B)));
        Mov(RightStep, Field(nameof(GemmTile.BRowStep)));
        Mov(Depth, Field(nameof(GemmTile.K)));
    }

    private void Loop()
    {
        var remainder = _code.NewPlace();
        var done = _code.NewPlace();
        _code.Add(Instruction.Create(Code.Sub_rm64_imm8, Depth, Unroll));
        _code.Jump(Code.Jl_rel32_64, remainder);
        var top = _code.PlaceHere();
        Prefetch();
        for (var i = 0; i < Unroll; i++)
        {
            Step(i);
        }

        AdvancePanels(Unroll);
        _code.Add(Instruction.Create(Code.Sub_rm64_imm8, Depth, Unroll));
        _code.Jump(Code.Jge_rel32_64, top);

        _code.Put(remainder);
        _code.Add(Instruction.Create(Code.Add_rm64_imm8, Depth, Unroll));
        _code.Jump(Code.Je_rel32_64, done);
        var single = _code.PlaceHere();
        Step(0);
        AdvancePanels(1);
        _code.Add(Instruction.Create(Code.Dec_rm64, Depth));
        _code.Jump(Code.Jne_rel32_64, single);
        _code.Put(done);
    }

    private int RightPanelStep => _family.TileVectors * _family.VectorBytes;

    private int LeftPanelStep => _family.TileRows * sizeof(float);

    // One column of the left operand times one row of the right operand.
    private void Step(int unrolled)
    {
        var firstRight = Accumulators;
        var firstBroadcast = firstRight + _variant.Vectors;
        var broadcasts = Math.Min(_family.Registers - firstBroadcast, 6);
        for (var v = 0; v < _variant.Vectors; v++)
        {
            _family.Load(
                _code, firstRight + v, At(Right, v * _family.VectorBytes + (_variant.RightPanel ? unrolled * RightPanelStep : 0)),
                _variant.Masked && v == _variant.Vectors - 1);
        }

        // The hardware's prefetching follows panels as well, but loses time where another thread shares the core, and at the end of a panel.
        for (var bytes = 0; bytes < _variant.Vectors * _family.VectorBytes; bytes += 64)
        {
            var ahead = _variant.RightPanel
                ? At(Right, bytes + (unrolled + PrefetchedPanelRows) * RightPanelStep)
                : new MemoryOperand(Right, RightStep, PrefetchedRows, bytes, 1);
            _code.Add(Instruction.Create(Code.Prefetcht0_m8, ahead));
        }

        // The columns of a matrix that is used in place may be further apart than the hardware's prefetching follows.
        if (_variant.Order == LeftOrder.Columns)
        {
            _code.Add(Instruction.Create(Code.Prefetcht0_m8, new MemoryOperand(LeftPointers[0], LeftStep, PrefetchedRows, 0, 1)));
        }

        for (var row = 0; row < _variant.Rows; row++)
        {
            var element = LeftElement(row, unrolled);

            // Without an index register the broadcast is a part of the multiply-add and takes no instruction of its own. Only some rows do so,
            // because each vector then loads the element again: half of them keeps instructions and loads in balance (measured).
            if (_family.BroadcastsFromMemory && row % (_variant.Order == LeftOrder.Rows ? 3 : 2) == 0)
            {
                for (var v = 0; v < _variant.Vectors; v++)
                {
                    _family.MultiplyAddBroadcast(_code, row * _variant.Vectors + v, firstRight + v, element);
                }

                continue;
            }

            var broadcast = firstBroadcast + row % broadcasts;
            _family.Broadcast(_code, broadcast, element);
            for (var v = 0; v < _variant.Vectors; v++)
            {
                _family.MultiplyAdd(_code, row * _variant.Vectors + v, broadcast, firstRight + v);
            }
        }

        if (!_variant.RightPanel)
        {
            Add(Right, RightStep);
        }

        if (_variant.Order == LeftOrder.Columns)
        {
            Add(LeftPointers[0], LeftStep);
        }
    }

    private MemoryOperand LeftElement(int row, int unrolled)
    {
        if (_variant.Order != LeftOrder.Rows)
        {
            return At(LeftPointers[0], row * sizeof(float) + (_variant.Order == LeftOrder.Panel ? unrolled * LeftPanelStep : 0));
        }

        var bytes = unrolled * sizeof(float);
        return row % 3 == 0 ? At(LeftPointers[row / 3], bytes) : new MemoryOperand(LeftPointers[row / 3], LeftStep, row % 3, bytes, 1);
    }

    private void AdvancePanels(int columns)
    {
        if (_variant.RightPanel)
        {
            _code.Add(Instruction.Create(Code.Add_rm64_imm32, Right, columns * RightPanelStep));
        }

        if (_variant.Order == LeftOrder.Panel)
        {
            _code.Add(Instruction.Create(Code.Add_rm64_imm32, LeftPointers[0], columns * LeftPanelStep));
        }

        if (_variant.Order == LeftOrder.Rows)
        {
            for (var i = 0; i < (_variant.Rows + 2) / 3; i++)
            {
                _code.Add(Instruction.Create(Code.Add_rm64_imm8, LeftPointers[i], columns * sizeof(float)));
            }
        }
    }

    private void Scale()
    {
        var one = _code.NewPlace();
        _code.Add(Instruction.Create(Code.Cmp_rm32_imm32, Field(nameof(GemmTile.Alpha)), BitConverter.SingleToInt32Bits(1)));
        _code.Jump(Code.Je_rel32_64, one);
        _family.Broadcast(_code, Accumulators, Field(nameof(GemmTile.Alpha)));
        for (var i = 0; i < Accumulators; i++)
        {
            _family.Multiply(_code, i, Accumulators);
        }

        _code.Put(one);
    }

    private void Finish()
    {
        var overwrite = _code.NewPlace();
        Mov(C, Field(nameof(GemmTile.C)));
        Mov(CStep, Field(nameof(GemmTile.CRowStep)));
        _code.Add(Instruction.Create(Code.Cmp_rm64_imm8, Field(nameof(GemmTile.Accumulate)), 0));
        _code.Jump(Code.Je_rel32_64, overwrite);
        StoreTile(accumulate: true);
        _convention.Leave(_code);
        _code.Put(overwrite);
        StoreTile(accumulate: false);
        _convention.Leave(_code);
    }

    private void StoreTile(bool accumulate)
    {
        for (var row = 0; row < _variant.Rows; row++)
        {
            for (var v = 0; v < _variant.Vectors; v++)
            {
                var accumulator = row * _variant.Vectors + v;
                var address = At(C, v * _family.VectorBytes);
                var masked = _variant.Masked && v == _variant.Vectors - 1;
                if (accumulate)
                {
                    _family.AddFrom(_code, accumulator, address, masked, Accumulators);
                }

                _family.Store(_code, address, accumulator, masked);
            }

            Add(C, CStep);
        }
    }

    private void Mov(Register target, MemoryOperand source) => _code.Add(Instruction.Create(Code.Mov_r64_rm64, target, source));

    private void Add(Register target, Register source) => _code.Add(Instruction.Create(Code.Add_rm64_r64, target, source));

    private static MemoryOperand At(Register register, int bytes) => new(register, Register.None, 1, bytes, bytes == 0 ? 0 : 1);

    private static MemoryOperand Field(string name) => At(Arguments, (int)Marshal.OffsetOf<GemmTile>(name));
}
