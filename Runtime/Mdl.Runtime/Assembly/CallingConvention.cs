using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>What a routine with one pointer argument must observe on a platform.</summary>
internal sealed class CallingConvention
{
    private const int WindowsSavedVectors = 10;
    private readonly bool _windows;

    private CallingConvention(bool windows) => _windows = windows;

    /// <summary>The convention of Linux, macOS and the BSDs.</summary>
    public static CallingConvention SystemV { get; } = new(windows: false);

    /// <summary>The convention of Windows.</summary>
    public static CallingConvention Windows { get; } = new(windows: true);

    /// <summary>The convention of this system.</summary>
    public static CallingConvention Native => OperatingSystem.IsWindows() ? Windows : SystemV;

    /// <summary>
    /// Begins a routine: afterwards its argument is in rdi, and rax, rcx, rdx, rsi, r8 to r11 and all vector registers may be overwritten.
    /// </summary>
    public void Enter(MachineCode code)
    {
        if (!_windows)
        {
            return;
        }

        code.Add(Instruction.Create(Code.Push_r64, Register.RDI));
        code.Add(Instruction.Create(Code.Push_r64, Register.RSI));
        code.Add(Instruction.Create(Code.Sub_rm64_imm32, Register.RSP, WindowsSavedVectors * 16));
        for (var i = 0; i < WindowsSavedVectors; i++)
        {
            code.Add(Instruction.Create(Code.VEX_Vmovups_xmmm128_xmm, Slot(i), Register.XMM6 + i));
        }

        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.RDI, Register.RCX));
    }

    /// <summary>Ends a routine.</summary>
    public void Leave(MachineCode code)
    {
        // Without it, code that uses the short vector instructions would wait for the upper halves of the registers.
        code.Add(Instruction.Create(Code.VEX_Vzeroupper));
        if (_windows)
        {
            for (var i = 0; i < WindowsSavedVectors; i++)
            {
                code.Add(Instruction.Create(Code.VEX_Vmovups_xmm_xmmm128, Register.XMM6 + i, Slot(i)));
            }

            code.Add(Instruction.Create(Code.Add_rm64_imm32, Register.RSP, WindowsSavedVectors * 16));
            code.Add(Instruction.Create(Code.Pop_r64, Register.RSI));
            code.Add(Instruction.Create(Code.Pop_r64, Register.RDI));
        }

        code.Add(Instruction.Create(Code.Retnq));
    }

    private static MemoryOperand Slot(int i) => new(Register.RSP, Register.None, 1, i * 16, 1);
}
