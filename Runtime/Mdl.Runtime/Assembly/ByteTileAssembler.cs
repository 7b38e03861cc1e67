using System.Runtime.InteropServices;
using Iced.Intel;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>
/// Assembles kernels that take a <see cref="ByteTile"/>: products of bytes in a block are added as 32-bit integers, which begin with what the missing sign of
/// the right operand adds; then the sum becomes a float, takes both scales and is added to the tile.
/// </summary>
internal sealed class ByteTileAssembler
{
    private const Register Arguments = Register.RDI;
    private const Register Left = Register.RSI;
    private const Register Right = Register.RCX;
    private const Register Blocks = Register.RAX;
    private const Register C = Register.RDX;
    private const Register CStep = Register.R8;
    private const int Lanes = ByteTile.Block / 4;
    private const int VectorBytes = 64;
    private const int RightLane = ByteTile.Columns * 4;
    private const int Scales = ByteTile.Rows * 4;
    private const int Bytes = ByteTile.Rows * 8;

    private readonly Avx512VnniFamily _integers = new();
    private readonly Avx512Family _floats = new();
    private readonly MachineCode _code = new();
    private readonly int _rows;
    private readonly int _vectors;
    private readonly bool _masked;

    private ByteTileAssembler(int rows, int vectors, bool masked) => (_rows, _vectors, _masked) = (rows, vectors, masked);

    /// <summary>Assembles the kernel for tiles of so many rows and vectors of columns.</summary>
    public static byte[] Assemble(CallingConvention convention, int rows, int vectors, bool masked) =>
        new ByteTileAssembler(rows, vectors, masked).Assemble(convention);

    private byte[] Assemble(CallingConvention convention)
    {
        convention.Enter(_code);
        if (_masked)
        {
            _floats.PrepareMask(_code, Field(nameof(ByteTile.LastColumns)));
        }

        Mov(Left, Field(nameof(ByteTile.A)));
        Mov(Right, Field(nameof(ByteTile.B)));
        Mov(Blocks, Field(nameof(ByteTile.Blocks)));
        for (var i = 0; i < _rows * _vectors; i++)
        {
            _floats.Zero(_code, Sum(i));
        }

        var top = _code.PlaceHere();
        Block();
        _code.Add(Instruction.Create(Code.Add_rm64_imm32, Left, ByteTile.LeftBytes));
        _code.Add(Instruction.Create(Code.Add_rm64_imm32, Right, ByteTile.RightBytes));
        _code.Add(Instruction.Create(Code.Dec_rm64, Blocks));
        _code.Jump(Code.Jne_rel32_64, top);

        var overwrite = _code.NewPlace();
        Mov(C, Field(nameof(ByteTile.C)));
        Mov(CStep, Field(nameof(ByteTile.CRowStep)));
        _code.Add(Instruction.Create(Code.Cmp_rm64_imm8, Field(nameof(ByteTile.Accumulate)), 0));
        _code.Jump(Code.Je_rel32_64, overwrite);
        Store(accumulate: true);
        convention.Leave(_code);
        _code.Put(overwrite);
        Store(accumulate: false);
        convention.Leave(_code);
        return _code.Encode();
    }

    private void Block()
    {
        for (var row = 0; row < _rows; row++)
        {
            _code.Add(Instruction.Create(Code.EVEX_Vpbroadcastd_zmm_k1z_xmmm32, Zmm(row * _vectors), At(Left, row * 4)));
            for (var v = 1; v < _vectors; v++)
            {
                _code.Add(Instruction.Create(Code.EVEX_Vmovdqa32_zmm_k1z_zmmm512, Zmm((row * _vectors) + v), Zmm(row * _vectors)));
            }
        }

        for (var lane = 0; lane < Lanes; lane++)
        {
            // Two pairs of registers in turn, so that a load need not wait for the products of the lane before.
            var right = 24 + (lane % 2 * 2);
            for (var v = 0; v < _vectors; v++)
            {
                _floats.Load(_code, right + v, At(Right, (lane * RightLane) + (v * VectorBytes)), masked: false);
            }

            for (var row = 0; row < _rows; row++)
            {
                for (var v = 0; v < _vectors; v++)
                {
                    _integers.MultiplyAddBroadcast(_code, (row * _vectors) + v, right + v, At(Left, Bytes + (((lane * ByteTile.Rows) + row) * 4)));
                }
            }
        }

        for (var v = 0; v < _vectors; v++)
        {
            _floats.Load(_code, 28 + v, At(Right, (Lanes * RightLane) + (v * VectorBytes)), masked: false);
        }

        for (var i = 0; i < _rows * _vectors; i++)
        {
            _code.Add(Instruction.Create(Code.EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er, Zmm(i), Zmm(i)));
            _floats.Multiply(_code, i, 28 + (i % _vectors));
            _floats.MultiplyAddBroadcast(_code, Sum(i), i, At(Left, Scales + (i / _vectors * 4)));
        }
    }

    private void Store(bool accumulate)
    {
        for (var i = 0; i < _rows * _vectors; i++)
        {
            var v = i % _vectors;
            var masked = _masked && v == _vectors - 1;
            if (accumulate)
            {
                _floats.AddFrom(_code, Sum(i), At(C, v * VectorBytes), masked, 0);
            }

            _floats.Store(_code, At(C, v * VectorBytes), Sum(i), masked);
            if (v == _vectors - 1)
            {
                _code.Add(Instruction.Create(Code.Add_rm64_r64, C, CStep));
            }
        }
    }

    // Sums of integers are in registers 0 to 11, sums of floats in 12 to 23.
    private static int Sum(int i) => 12 + i;

    private static Register Zmm(int index) => Register.ZMM0 + index;

    private void Mov(Register target, MemoryOperand source) => _code.Add(Instruction.Create(Code.Mov_r64_rm64, target, source));

    private static MemoryOperand At(Register register, int bytes) => new(register, Register.None, 1, bytes, bytes == 0 ? 0 : 1);

    private static MemoryOperand Field(string name) => At(Arguments, (int)Marshal.OffsetOf<ByteTile>(name));
}
