using System.Runtime.InteropServices;
using Iced.Intel;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Assembly;

/// <summary>
/// Assembles kernels that take a <see cref="ByteDotsCall"/>. A row's elements are integers of 15 bits: products with the upper parts move up by 7 bits, and
/// those with the lower parts are added to them. Each number of the matrix is read once for all rows, and each row's sums are those that it has alone.
/// </summary>
internal sealed class ByteDotsAssembler
{
    private const Register Arguments = Register.RDI;
    private const Register Left = Register.RSI;
    private const Register LeftStep = Register.R8;
    private const Register LastLeft = Register.R9;
    private const Register Right = Register.RCX;
    private const Register RightStep = Register.RDX;
    private const Register LastRight = Register.R10;
    private const Register Scales = Register.R11;
    private const Register ScalesStep = Register.RAX;
    private const Register LastScales = Register.RBX;
    private const Register Steps = Register.RBP;
    private const Register Ahead = Register.R12;
    private const Register Spare = Register.R13;
    private const int LowerBits = 7;

    // Of a column: the numbers in the first and in the second halves of the blocks, and their scales.
    private const int Firsts = 16;
    private const int Seconds = 17;
    private const int ColumnScales = 18;
    private const int FirstSum = 20;
    private const int ScaleBytes = 30;
    private const int Mask = 31;

    // What is about to be multiplied is fetched into the first-level cache.
    private const int Near = 512;
    private const int Line = 64;

    private readonly MachineCode _code = new();
    private readonly Avx512VnniFamily _integers = new();
    private readonly int _rows;
    private readonly int _columns;
    private readonly bool _halves;

    private ByteDotsAssembler(int rows, int columns, bool halves) => (_rows, _columns, _halves) = (rows, columns, halves);

    /// <summary>Assembles the kernel for so many rows and columns of bytes or of half bytes.</summary>
    public static byte[] Assemble(CallingConvention convention, int rows, int columns, bool halves) => new ByteDotsAssembler(rows, columns, halves).Assemble(convention);

    private byte[] Assemble(CallingConvention convention)
    {
        convention.Enter(_code);
        _code.Add(Instruction.Create(Code.Push_r64, LastScales));
        _code.Add(Instruction.Create(Code.Push_r64, Steps));
        _code.Add(Instruction.Create(Code.Push_r64, Ahead));
        _code.Add(Instruction.Create(Code.Push_r64, Spare));
        LoadVector(Mask, Field(nameof(ByteDotsCall.Mask)));
        LoadVector(ScaleBytes, Field(nameof(ByteDotsCall.Scales)));
        Pointers(Right, RightStep, LastRight, nameof(ByteDotsCall.B), nameof(ByteDotsCall.BColumnStep));
        Pointers(Scales, ScalesStep, LastScales, nameof(ByteDotsCall.S), nameof(ByteDotsCall.SColumnStep));
        Mov(Ahead, Field(nameof(ByteDotsCall.Ahead)));

        var group = _code.PlaceHere();
        Pointers(Left, LeftStep, LastLeft, nameof(ByteDotsCall.A), nameof(ByteDotsCall.ARowStep));
        Mov(Steps, Field(nameof(ByteDotsCall.Steps)));
        for (var i = 0; i < _rows * _columns; i++)
        {
            _integers.Zero(_code, i);
        }

        var top = _code.PlaceHere();
        Step();
        Advance(Left, LastLeft, ByteDotsCall.StepBytes);
        Advance(Right, LastRight, _halves ? ByteDotsCall.Step / 2 : ByteDotsCall.Step);
        Advance(Scales, LastScales, ByteDotsCall.Step / ByteTile.Block * sizeof(ushort));
        _code.Add(Instruction.Create(Code.Dec_rm64, Steps));
        _code.Jump(Code.Jne_rel32_64, top);

        Mov(Spare, Field(nameof(ByteDotsCall.Sums)));
        for (var i = 0; i < _rows * _columns; i++)
        {
            _code.Add(Instruction.Create(Code.EVEX_Vmovups_zmmm512_k1z_zmm, At(Spare, i * 64), Zmm(i)));
        }

        _code.Add(Instruction.Create(Code.Add_rm64_imm32, Spare, _rows * _columns * 64));
        _code.Add(Instruction.Create(Code.Mov_rm64_r64, Field(nameof(ByteDotsCall.Sums)), Spare));
        Skip(Right, LastRight, nameof(ByteDotsCall.BNext));
        Skip(Scales, LastScales, nameof(ByteDotsCall.SNext));
        _code.Add(Instruction.Create(Code.Dec_rm64, Field(nameof(ByteDotsCall.Groups))));
        _code.Jump(Code.Jne_rel32_64, group);

        _code.Add(Instruction.Create(Code.Pop_r64, Spare));
        _code.Add(Instruction.Create(Code.Pop_r64, Ahead));
        _code.Add(Instruction.Create(Code.Pop_r64, Steps));
        _code.Add(Instruction.Create(Code.Pop_r64, LastScales));
        convention.Leave(_code);
        return _code.Encode();
    }

    private void Step()
    {
        for (var column = 0; column < _columns; column++)
        {
            Weights(column);
            _code.Add(Instruction.Create(Code.EVEX_Vpbroadcastq_zmm_k1z_xmmm64, Zmm(ColumnScales), Place(Scales, ScalesStep, LastScales, column, 0)));
            _code.Add(Instruction.Create(Code.EVEX_Vpshufb_zmm_k1z_zmm_zmmm512, Zmm(ColumnScales), Zmm(ColumnScales), Zmm(ScaleBytes)));
            for (var row = 0; row < _rows; row++)
            {
                var sum = FirstSum + row;
                LoadVector(sum, Element(row, 0));
                Multiply(sum, Firsts, Element(row, 64));
                Multiply(sum, Seconds, Element(row, 128));
                _code.Add(Instruction.Create(Code.EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8, Zmm(sum), Zmm(sum), LowerBits));
                Multiply(sum, Firsts, Element(row, 192));
                Multiply(sum, Seconds, Element(row, 256));
                _code.Add(Instruction.Create(Code.EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er, Zmm(sum), Zmm(sum)));
                _code.Add(Instruction.Create(Code.EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er, Zmm(sum), Zmm(sum), Element(row, 320)));
                _code.Add(Instruction.Create(Code.EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er, Zmm((row * _columns) + column), Zmm(sum), Zmm(ColumnScales)));
            }
        }
    }

    // Bytes become numbers without a sign: the integer and 128, or 16 times the integer and 128.
    private void Weights(int column)
    {
        if (_halves)
        {
            LoadVector(Seconds, Numbers(column, 0));
            _code.Add(Instruction.Create(Code.EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8, Zmm(Firsts), Zmm(Seconds), 4));
            _code.Add(Instruction.Create(Code.EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32, Zmm(Firsts), Zmm(Firsts), Zmm(Mask)));
            _code.Add(Instruction.Create(Code.EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32, Zmm(Seconds), Zmm(Seconds), Zmm(Mask)));
        }
        else
        {
            // Quarters of vectors are halves of blocks.
            _code.Add(Instruction.Create(Code.EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32, Zmm(Firsts), Zmm(Mask), Numbers(column, 0)));
            _code.Add(Instruction.Create(Code.EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32, Zmm(ColumnScales), Zmm(Mask), Numbers(column, Line)));
            _code.Add(Instruction.Create(Code.EVEX_Vshufi64x2_zmm_k1z_zmm_zmmm512b64_imm8, Zmm(Seconds), Zmm(Firsts), Zmm(ColumnScales), 0b11011101));
            _code.Add(Instruction.Create(Code.EVEX_Vshufi64x2_zmm_k1z_zmm_zmmm512b64_imm8, Zmm(Firsts), Zmm(Firsts), Zmm(ColumnScales), 0b10001000));
        }

        _code.Add(Instruction.Create(Code.Lea_r64_m, Spare, Numbers(column, 0)));
        for (var bytes = 0; bytes < (_halves ? Line : 2 * Line); bytes += Line)
        {
            _code.Add(Instruction.Create(Code.Prefetcht1_m8, new MemoryOperand(Spare, Ahead, 1, bytes, bytes == 0 ? 0 : 1)));
            _code.Add(Instruction.Create(Code.Prefetcht0_m8, new MemoryOperand(Spare, Register.None, 1, Near + bytes, 8)));
        }
    }

    private MemoryOperand Numbers(int column, int bytes) => Place(Right, RightStep, LastRight, column, bytes);

    private void Multiply(int sum, int numbers, MemoryOperand elements) =>
        _code.Add(Instruction.Create(Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32, Zmm(sum), Zmm(numbers), elements));

    private MemoryOperand Element(int row, int bytes) => Place(Left, LeftStep, LastLeft, row, bytes);

    // The last of four places has a register of its own, because instructions add at most twice a step.
    private static MemoryOperand Place(Register first, Register step, Register last, int index, int bytes) => index switch
    {
        0 => At(first, bytes),
        3 => At(last, bytes),
        _ => new(first, step, index, bytes, bytes == 0 ? 0 : 1),
    };

    private void Pointers(Register first, Register step, Register last, string place, string stepField)
    {
        Mov(first, Field(place));
        Mov(step, Field(stepField));
        _code.Add(Instruction.Create(Code.Lea_r64_m, last, new MemoryOperand(step, step, 2)));
        _code.Add(Instruction.Create(Code.Add_rm64_r64, last, first));
    }

    private void Advance(Register first, Register last, int bytes)
    {
        _code.Add(Instruction.Create(Code.Add_rm64_imm32, first, bytes));
        _code.Add(Instruction.Create(Code.Add_rm64_imm32, last, bytes));
    }

    private void Skip(Register first, Register last, string distance)
    {
        _code.Add(Instruction.Create(Code.Add_r64_rm64, first, Field(distance)));
        _code.Add(Instruction.Create(Code.Add_r64_rm64, last, Field(distance)));
    }

    private void LoadVector(int target, MemoryOperand source) => _code.Add(Instruction.Create(Code.EVEX_Vmovdqu32_zmm_k1z_zmmm512, Zmm(target), source));

    private static Register Zmm(int index) => Register.ZMM0 + index;

    private void Mov(Register target, MemoryOperand source) => _code.Add(Instruction.Create(Code.Mov_r64_rm64, target, source));

    private static MemoryOperand At(Register register, int bytes) => new(register, Register.None, 1, bytes, bytes == 0 ? 0 : 1);

    private static MemoryOperand Field(string name) => At(Arguments, (int)Marshal.OffsetOf<ByteDotsCall>(name));
}
