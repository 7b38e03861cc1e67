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
    private const int Shifts = 29;
    private const int ScaleBytes = 30;
    private const int Mask = 31;

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
        if (_halves)
        {
            LoadVector(Shifts, Field(nameof(ByteDotsCall.Shifts)));
        }

        Pointers(Left, LeftStep, LastLeft, nameof(ByteDotsCall.A), nameof(ByteDotsCall.ARowStep));
        Pointers(Right, RightStep, LastRight, nameof(ByteDotsCall.B), nameof(ByteDotsCall.BColumnStep));
        Pointers(Scales, ScalesStep, LastScales, nameof(ByteDotsCall.S), nameof(ByteDotsCall.SColumnStep));
        Mov(Steps, Field(nameof(ByteDotsCall.Steps)));
        Mov(Ahead, Field(nameof(ByteDotsCall.Ahead)));
        for (var i = 0; i < _rows * _columns; i++)
        {
            _integers.Zero(_code, i);
        }

        var top = _code.PlaceHere();
        Step();
        Advance(Left, LastLeft, ByteDotsCall.StepBytes);
        Advance(Right, LastRight, _halves ? ByteDotsCall.Step / 2 : ByteDotsCall.Step);
        Advance(Scales, LastScales, 4);
        _code.Add(Instruction.Create(Code.Dec_rm64, Steps));
        _code.Jump(Code.Jne_rel32_64, top);

        Mov(Left, Field(nameof(ByteDotsCall.Sums)));
        for (var i = 0; i < _rows * _columns; i++)
        {
            _code.Add(Instruction.Create(Code.EVEX_Vmovups_zmmm512_k1z_zmm, At(Left, i * 64), Zmm(i)));
        }

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
            Weights(Numbers(column), Place(Right, RightStep, LastRight, column, 0));
            _code.Add(Instruction.Create(Code.EVEX_Vpbroadcastd_zmm_k1z_xmmm32, Zmm(ScalesOf(column)), Place(Scales, ScalesStep, LastScales, column, 0)));
            _code.Add(Instruction.Create(Code.EVEX_Vpshufb_zmm_k1z_zmm_zmmm512, Zmm(ScalesOf(column)), Zmm(ScalesOf(column)), Zmm(ScaleBytes)));
        }

        for (var i = 0; i < _rows * _columns; i++)
        {
            var (row, column) = (i / _columns, i % _columns);
            var sum = 24 + (i % 4);
            LoadVector(sum, Element(row, 0));
            Multiply(sum, column, Element(row, 64));
            _code.Add(Instruction.Create(Code.EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8, Zmm(sum), Zmm(sum), LowerBits));
            Multiply(sum, column, Element(row, 128));
            _code.Add(Instruction.Create(Code.EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er, Zmm(sum), Zmm(sum)));
            _code.Add(Instruction.Create(Code.EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er, Zmm(sum), Zmm(sum), Element(row, 192)));
            _code.Add(Instruction.Create(Code.EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er, Zmm(i), Zmm(sum), Zmm(ScalesOf(column))));
        }
    }

    // Bytes become numbers without a sign: the integer and 128, or 16 times the integer and 128.
    private void Weights(int target, MemoryOperand place)
    {
        if (_halves)
        {
            _code.Add(Instruction.Create(Code.EVEX_Vbroadcasti64x4_zmm_k1z_m256, Zmm(target), place));
            _code.Add(Instruction.Create(Code.EVEX_Vshufi64x2_zmm_k1z_zmm_zmmm512b64_imm8, Zmm(target), Zmm(target), Zmm(target), 0b01010000));
            _code.Add(Instruction.Create(Code.EVEX_Vpsllvd_zmm_k1z_zmm_zmmm512b32, Zmm(target), Zmm(target), Zmm(Shifts)));
            _code.Add(Instruction.Create(Code.EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32, Zmm(target), Zmm(target), Zmm(Mask)));
        }
        else
        {
            _code.Add(Instruction.Create(Code.EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32, Zmm(target), Zmm(Mask), place));
        }

        _code.Add(Instruction.Create(Code.Lea_r64_m, Spare, place));
        _code.Add(Instruction.Create(Code.Prefetcht0_m8, new MemoryOperand(Spare, Ahead, 1, 0, 0)));
    }

    private void Multiply(int sum, int column, MemoryOperand elements) =>
        _code.Add(Instruction.Create(Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32, Zmm(sum), Zmm(Numbers(column)), elements));

    private MemoryOperand Element(int row, int bytes) => Place(Left, LeftStep, LastLeft, row, bytes);

    private static int Numbers(int column) => 16 + column;

    private static int ScalesOf(int column) => 20 + column;

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

    private void LoadVector(int target, MemoryOperand source) => _code.Add(Instruction.Create(Code.EVEX_Vmovdqu32_zmm_k1z_zmmm512, Zmm(target), source));

    private static Register Zmm(int index) => Register.ZMM0 + index;

    private void Mov(Register target, MemoryOperand source) => _code.Add(Instruction.Create(Code.Mov_r64_rm64, target, source));

    private static MemoryOperand At(Register register, int bytes) => new(register, Register.None, 1, bytes, bytes == 0 ? 0 : 1);

    private static MemoryOperand Field(string name) => At(Arguments, (int)Marshal.OffsetOf<ByteDotsCall>(name));
}
